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
 * 6. On a `call` command, call the client's API as it says, between two events `application-call` and
 *    `application-call-end`; a client that has no such call, or refuses it, says so with the outcome `skipped`. What
 *    `position` and `committed` answer stands in the second.
 * 7. A member with `assigned` assigns itself these partitions in place of a subscription, and says so with
 *    `client-assigned` each time.
 * 8. A start command that the driver does not understand: say why on standard error and exit with code 2.
 *
 * Several members in one process (`sharedProcess` in their start commands) are a matter of the harness's own adapters, and no
 * other driver is asked for it:
 * 9. Each member has a start command of its own; later ones come at any time. The client id of all is `sharedProcess`.
 * 10. Each event line, and each `close` and `call` command, says which member it is of in `process`.
 * 11. A member that has closed is told of in a line `{ "closed": <its process> }`, and the process goes on until standard
 *     input ends.
 *
 * `links` and the `link` command are between this package's worlds and its own processes: a driver in another language
 * gets neither, and scenarios that break the network refuse it.
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

/** What a process has to know of the path to a broker beside the bytes on it, which a proxy holds up. */
const linkState = {
  /** The broker's address as clients know it, `host:port`. */
  address: z.string().min(1),
  /** Nothing passes in one direction or in both, so that no new connection comes about either. */
  isCut: z.boolean(),
  /** One way. */
  latencyMs: z.strictObject({ min: z.number().min(0), max: z.number().min(0) }),
};
const linkSchema = z.strictObject({
  ...linkState,
  /** Where connections to the broker really go. */
  proxy: z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) }),
});
/** A path from this process to a broker that a fault can come over. */
export type ProxiedLink = z.infer<typeof linkSchema>;

export const linkCommandSchema = z.strictObject({
  command: z.literal('link'),
  ...linkState,
  /** How the connections that are open now come to an end, or null. */
  ending: z.enum(['reset', 'half-open']).nullable(),
});
export type LinkCommand = z.infer<typeof linkCommandSchema>;

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
  /** Left out where all connections go to the brokers themselves. */
  links: z.array(linkSchema).optional(),
};

export const startCommandSchema = z.discriminatedUnion('role', [
  /** `group.id` and `group.topics` hold real names. */
  z.strictObject({
    ...common,
    role: z.literal('member'),
    group,
    /** The real names of the group and of all topics by those that an application of the user's knows; only for such. */
    names: z.record(z.string(), z.string()).optional(),
    /** The process that it shares with others, and the client id of all of them. */
    sharedProcess: z.string().optional(),
    /** Left out: subscribes to all of the group's topics, and has no rack. */
    member: z
      .strictObject({
        topics: z.array(realName).min(1),
        rack: z.string().nullable(),
        /** It assigns itself these partitions, and does not subscribe. */
        assigned: z
          .array(z.strictObject({ topic: realName, partitions: z.array(z.int().min(0)) }))
          .optional(),
      })
      .optional(),
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

/** Which member it is for, where a process has several. */
const addressed = { process: z.string().optional() };

export const closeCommandSchema = z.strictObject({ command: z.literal('close'), ...addressed });

const partition = z.int().min(0);
/** A call of the consumer's API; topics have their real names. */
export const consumerCallSchema = z.discriminatedUnion('name', [
  /** -2 for the beginning of the log, -1 for its end. */
  z.strictObject({ name: z.literal('seek'), topic: realName, partition, offset: z.int().min(-2) }),
  /** Null for all partitions of the topic. */
  z.strictObject({ name: z.literal('pause'), topic: realName, partitions: z.array(partition).nullable() }),
  z.strictObject({ name: z.literal('resume'), topic: realName, partitions: z.array(partition).nullable() }),
  z.strictObject({ name: z.literal('stop') }),
  z.strictObject({ name: z.literal('run') }),
  /** What has been processed of the partitions that are owned. */
  z.strictObject({ name: z.literal('commit') }),
  /** The offset of the next record that is to be handed over. */
  z.strictObject({ name: z.literal('position'), topic: realName, partition }),
  /** The group's committed offset. */
  z.strictObject({ name: z.literal('committed'), topic: realName, partition }),
]);
export type ConsumerCall = z.infer<typeof consumerCallSchema>;

export const callCommandSchema = z.strictObject({
  command: z.literal('call'),
  ...addressed,
  /** The scenario's action that asks for it. */
  action: z.int().min(0),
  call: consumerCallSchema,
});
export type CallCommand = z.infer<typeof callCommandSchema>;
export type LaterCommand = z.infer<typeof closeCommandSchema> | CallCommand | LinkCommand;
/** What may follow the start command. */
export const laterCommandSchema = z.discriminatedUnion('command', [
  closeCommandSchema,
  callCommandSchema,
  linkCommandSchema,
]);
export type Command = StartCommand | LaterCommand;

// In a file of their own, so that a client adapter can have them without the schemas above.
export { decodeRecordValue, encodeRecordValue } from './record-value.ts';
