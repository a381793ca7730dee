/** The name of the Kafka image: the environment enters, an image name leaves. */

/** The Kafka that scenarios run on unless somebody asks for another. */
export const DEFAULT_KAFKA_VERSION = '4.3.1';

/** `KAFKA_TRIAL_IMAGE`, or Apache's own image in the default version. */
export const defaultKafkaImage = (): string =>
  process.env.KAFKA_TRIAL_IMAGE || `apache/kafka:${DEFAULT_KAFKA_VERSION}`;
