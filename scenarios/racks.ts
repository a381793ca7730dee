/** Names of racks: a broker's id enters, the rack leaves that generated scenarios and the Kafka world's own brokers give it. */
export const rackOf = (broker: number): string => `rack-${broker}`;
