/**
 * Messages as Kafka 4.3.1's own generated classes write them (made by `KafkaMessages.java`): nothing enters, the
 * samples leave, one for each version of each message.
 */
import { readFileSync } from 'node:fs';

export interface KafkaMessage {
  readonly message: string;
  readonly version: number;
  readonly json: unknown;
  readonly bytes: Buffer;
}

const file = new URL('kafka-4.3.1-messages.jsonl', import.meta.url);

export const kafkaMessages: readonly KafkaMessage[] = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => {
    const { message, version, json, hex } = JSON.parse(line) as Omit<KafkaMessage, 'bytes'> & { hex: string };
    return { message, version, json, bytes: Buffer.from(hex, 'hex') };
  });
