/** The reference client's adapter, one door for every world: start commands and a host enter, running applications leave. */
export { startMember } from './trial/member.ts';
export { startProducer } from './trial/producer.ts';
