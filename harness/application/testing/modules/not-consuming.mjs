/** Imports kafkajs and fails before it consumes. */
import { Kafka } from 'kafkajs';

new Kafka({ brokers: ['x:1'] }).consumer({ groupId: 'g' });
throw new Error('the configuration is missing');
