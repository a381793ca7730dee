/**
 * The orders that the control channel takes, as data: a kind and its fields enter, checked, and what came of it leaves.
 * Their names are those of a scenario's actions where there is such an action.
 */
import { z } from 'zod';
import { errorNames } from '../cluster/protocol/errors.ts';
import { type Controls, type Fault, faultApiNames, RefusedError } from './controls.ts';

const broker = z.int().min(1);
const name = z.string().min(1);
const partition = z.int().min(0);
const link = { clientId: name.optional(), broker: broker.optional() };
/** How long a fault lasts; until it is ended where it is left out. */
const durationMs = z.int().min(1).max(86_400_000).optional();
const requests = {
  api: z.enum(faultApiNames as [string, ...string[]]),
  times: z.int().min(1).max(1_000_000).default(1),
  broker: broker.optional(),
  clientId: name.optional(),
  group: name.optional(),
  topic: name.optional(),
};

/** What an order comes to: a fault that lasts, or a value that says it is done. */
type Outcome = Fault | Readonly<Record<string, unknown>> | null;

interface Order<Schema extends z.ZodRawShape = z.ZodRawShape> {
  readonly summary: string;
  readonly fields: Schema;
  readonly perform: (controls: Controls, fields: never) => Outcome | Promise<Outcome>;
}

const order = <Schema extends z.ZodRawShape>(
  summary: string,
  fields: Schema,
  perform: (controls: Controls, fields: Defined<z.output<z.ZodObject<Schema>>>) => Outcome | Promise<Outcome>,
): Order => ({ summary, fields, perform: perform as Order['perform'] });

/** Keys with the value undefined do not come out of JSON, so a type need not allow them. */
type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> } & {};

const nothing = (act: () => void): null => {
  act();
  return null;
};
const later = async (act: Promise<unknown>): Promise<null> => {
  await act;
  return null;
};

export const orders: Readonly<Record<string, Order>> = {
  'fail-requests': order(
    'answers the next requests of an API with an error, without doing what they ask',
    { ...requests, error: z.enum(errorNames) },
    (controls, fields) => controls.failRequests(fields),
  ),
  'delay-requests': order(
    'takes the next requests of an API up only after so long',
    { ...requests, delayMs: z.int().min(1).max(3_600_000) },
    (controls, fields) => controls.delayRequests(fields),
  ),
  'drop-requests': order(
    'neither does nor answers what the next requests of an API ask',
    requests,
    (controls, fields) => controls.dropRequests(fields),
  ),
  'cut-link': order(
    'lets no bytes pass between these clients and brokers',
    { ...link, direction: z.enum(['to-broker', 'to-process', 'both']).default('both'), durationMs },
    (controls, fields) => controls.cutLink(fields),
  ),
  'slow-link': order(
    'gives these links a latency each way, a rate and a loss',
    {
      ...link,
      latencyMs: z
        .strictObject({ min: z.number().min(0), max: z.number().min(0) })
        .refine(({ min, max }) => min <= max, 'expected min up to max')
        .default({ min: 0, max: 0 }),
      bytesPerSecond: z.int().min(1).nullable().default(null),
      lossPerThousand: z.int().min(0).max(1_000).default(0),
      durationMs,
    },
    (controls, fields) => controls.slowLink(fields),
  ),
  'reset-link': order(
    'ends the open connections of these links; with half-open the client is not told',
    { ...link, ending: z.enum(['reset', 'half-open']).default('reset') },
    (controls, fields) => ({ connections: controls.resetLink(fields) }),
  ),
  'crash-broker': order('kills a broker; its logs survive', { broker }, (controls, fields) =>
    nothing(() => controls.crashBroker(fields.broker)),
  ),
  'stop-broker': order('shuts a broker down in good order', { broker }, (controls, fields) =>
    later(controls.stopBroker(fields.broker)),
  ),
  'start-broker': order(
    'starts a broker that is down; answers when it serves',
    { broker },
    (controls, fields) => later(controls.startBroker(fields.broker)),
  ),
  'pause-broker': order('freezes a broker', { broker }, (controls, fields) =>
    nothing(() => controls.pauseBroker(fields.broker)),
  ),
  'unpause-broker': order('lets a frozen broker go on', { broker }, (controls, fields) =>
    later(controls.unpauseBroker(fields.broker)),
  ),
  'isolate-brokers': order(
    'cuts what passes between two brokers',
    { brokers: z.tuple([broker, broker]), durationMs },
    (controls, { brokers: [left, right] }) => controls.isolateBrokers(left, right),
  ),
  'move-leader': order(
    'makes another replica in sync the leader of a partition',
    { topic: name, partition, broker },
    (controls, fields) => later(controls.moveLeader(fields.topic, fields.partition, fields.broker)),
  ),
  'move-coordinator': order(
    'makes another broker the coordinator of a group or a transactional id',
    { group: name.optional(), transactionalId: name.optional(), broker },
    (controls, { group, transactionalId, broker: to }) => {
      if (group !== undefined && transactionalId === undefined)
        return later(controls.moveCoordinator({ group }, to));
      if (transactionalId !== undefined && group === undefined)
        return later(controls.moveCoordinator({ transactionalId }, to));
      throw new RefusedError('Name a group or a transactionalId.');
    },
  ),
  'create-topic': order(
    'creates a topic',
    {
      topic: name,
      partitions: z.int().min(1).default(1),
      replicationFactor: z.int().min(1).optional(),
      configs: z.record(z.string(), z.string()).default({}),
    },
    (controls, { topic, ...options }) => later(controls.createTopic(topic, options)),
  ),
  'delete-topic': order('deletes a topic', { topic: name }, (controls, fields) =>
    later(controls.deleteTopic(fields.topic)),
  ),
  'add-partitions': order(
    'gives a topic so many partitions',
    { topic: name, partitions: z.int().min(2) },
    (controls, fields) => later(controls.addPartitions(fields.topic, fields.partitions)),
  ),
  'delete-records': order(
    'deletes the records of a partition before an offset',
    { topic: name, partition, before: z.union([z.int().min(0), z.string().regex(/^\d{1,18}$/)]) },
    async (controls, { topic, partition: of, before }) => ({
      logStartOffset: String(await controls.deleteRecords(topic, of, BigInt(before))),
    }),
  ),
  'delete-offsets': order(
    'deletes the committed offsets of a group for a topic that it is not subscribed to',
    { group: name, topic: name, partitions: z.array(partition).optional() },
    (controls, { group, topic, partitions }) => later(controls.deleteOffsets(group, topic, partitions)),
  ),
  'expire-offsets': order(
    "removes of a group's offsets what retention would remove once its time has passed",
    { group: name },
    async (controls, { group }) => ({ removed: await controls.expireOffsets(group) }),
  ),
  'expire-member': order(
    "lets a member's session run out",
    { group: name, memberId: name },
    (controls, { group, memberId }) => nothing(() => controls.expireMember(group, memberId)),
  ),
};

/** One order as it comes in: a known kind, its fields, and nothing else. */
export const orderSchema = z.discriminatedUnion(
  'kind',
  Object.entries(orders).map(([kind, { fields }]) =>
    z.strictObject({ kind: z.literal(kind), ...fields }),
  ) as [z.ZodObject<{ kind: z.ZodLiteral<string> }>],
);

/**
 * @param given checked against `orderSchema`
 * @throws RefusedError where the cluster refuses
 */
export async function perform(controls: Controls, given: z.output<typeof orderSchema>): Promise<Outcome> {
  const { kind, ...fields } = given;
  const found = orders[kind];
  if (found === undefined) throw new Error(`no order ${kind}`);
  return await found.perform(controls, fields as never);
}
