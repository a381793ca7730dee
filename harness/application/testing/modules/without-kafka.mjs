/** Has nothing to do with Kafka. */
export const start = () => {};
