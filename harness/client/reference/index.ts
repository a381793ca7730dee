/** The reference client's public parts: options enter its constructors, a consumer or a producer leaves. */

export type { ConsumerOptions, ProducerOptions } from './config.ts';
export type { Offsets } from './consumer/commits.ts';
export type { ConsumerRecord } from './consumer/completed-fetch.ts';
export { Consumer, type ConsumerGroupMetadata } from './consumer/consumer.ts';
export type { RebalanceListener } from './consumer/group.ts';
export * from './errors.ts';
export { Producer, type ProducerRecord } from './producer/producer.ts';
