/** The kafkajs adapter, one door for every world: start commands and a host enter, running applications leave. */
export { startMember } from './member.ts';
export { startProducer } from './producer.ts';
export { refusals } from './refusals.ts';
