/**
 * The protocol between a world and one client process: JSON Lines, commands on standard input, events on standard
 * output. Nothing in it is particular to Node, so a client in any language can be put on trial by a driver that
 * speaks it.
 *
 * The driver's duties:
 * 1. The first line on standard input is a `start` command; begin at once, with the real names given there.
 * 2. Write an event *before* the side effect that it announces, and synchronously: when the process is killed one
 *    instruction later, the line is already in the pipe.
 * 3. Each event line is an object of the history schema without `seq` and `process`, with `time` in milliseconds
 *    since `timeOriginEpochMs`. Diagnostics go to standard error.
 * 4. On a `close` command, and on SIGTERM, close the client as a careful application would, then exit with code 0.
 * 5. When standard input ends, the harness is gone: exit at once.
 * 6. A start command that the driver does not understand: say why on standard error and exit with code 2.
 */
import { z } from 'zod';
import { scenarioSchema } from '../../scenarios/schema.ts';

/** A scenario's group and producer, but with the real names of topics and groups, which have more characters. */
const realName = z.string().min(1);
const group = scenarioSchema.shape.groups.element
  .omit({ members: true })
  .extend({ id: realName, topics: z.array(realName).min(1) });
const producer = scenarioSchema.shape.producers.element.extend({ topics: z.array(realName).min(1) });

/** How to reach the cluster; secrets travel only here, through a pipe, never in arguments or reports. */
export const connectionSchema = z.strictObject({
  bootstrapServers: z.array(z.string().regex(/^.+:\d+$/, "an address of the form 'host:port'")).min(1),
  tls: z
    .strictObject({
      /** PEM texts; without an authority, the platform's own list is used. */
      certificateAuthority: z.string().optional(),
      certificate: z.string().optional(),
      key: z.string().optional(),
      serverName: z.string().optional(),
    })
    .nullable(),
  sasl: z
    .strictObject({
      mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      username: z.string(),
      password: z.string(),
    })
    .nullable(),
});
export type Connection = z.infer<typeof connectionSchema>;

const common = {
  command: z.literal('start'),
  protocol: z.literal(1),
  /** Process id in the history, and the client id that the client must use. */
  process: z.string(),
  connection: connectionSchema,
  /** Seed for everything this process draws. */
  seed: z.int(),
  /** The wall clock at scenario time 0, in milliseconds since the Unix epoch. */
  timeOriginEpochMs: z.number(),
  /** A client or application broken on purpose, or null. */
  mutant: z.string().nullable(),
};

export const startCommandSchema = z.discriminatedUnion('role', [
  /** `group.id` and `group.topics` hold real names. */
  z.strictObject({
    ...common,
    role: z.literal('member'),
    group,
    /** The real names of the group and of all topics by those that an application of the user's knows; only for such. */
    names: z.record(z.string(), z.string()).optional(),
  }),
  /** `producer.topics` hold real names; record ids are `<producer.id>-<number>`, in order from 0. */
  z.strictObject({
    ...common,
    role: z.literal('producer'),
    producer,
    /** Templates of record values, by real topic name (see the scenario's schema). */
    values: z.record(z.string(), z.string()).optional(),
  }),
]);
export type StartCommand = z.infer<typeof startCommandSchema>;
export type MemberStart = Extract<StartCommand, { role: 'member' }>;
export type ProducerStart = Extract<StartCommand, { role: 'producer' }>;

export const closeCommandSchema = z.strictObject({ command: z.literal('close') });
export type Command = StartCommand | z.infer<typeof closeCommandSchema>;

// In a file of their own, so that a client adapter can have them without the schemas above.
export { decodeRecordValue, encodeRecordValue } from './record-value.ts';
