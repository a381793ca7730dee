/** What is told of an application's handlers: batches that are taken in parts, resolved, given up or failed. */
import type { Batch, ConsumerRunConfig, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { ClientEvent, Host } from '../host.ts';
import type { MemberStart } from '../protocol.ts';
import { observeHandlers } from './observe-handlers.ts';
import { beginSession } from './session.ts';

type Handler = NonNullable<ConsumerRunConfig['eachBatch']>;

/** Hands a batch of offsets 4, 5 and 6 to a watched handler. @returns what was told, such as `begin 4` */
async function handBatch(
  handler: Handler,
  config: ConsumerRunConfig = {},
  heartbeat = async (): Promise<void> => {},
) {
  const events: ClientEvent[] = [];
  const failures: unknown[] = [];
  const host: Host = {
    emit: (event) => events.push(event),
    exit: () => {},
    refuse: () => {},
    failed: (error) => failures.push(error),
  };
  const start = {
    process: 'm1.1',
    group: { id: 'real.g' },
    names: { g: 'real.g', orders: 'real.orders' },
  } as unknown as MemberStart;
  const resolved: string[] = [];
  const messages = ['4', '5', '6'].map(
    (offset) => ({ offset, value: Buffer.from(`p-${offset}|`) }) as KafkaMessage,
  );
  const batch = { topic: 'real.orders', partition: 2, messages, isEmpty: () => false } as Partial<Batch>;
  const payload = {
    batch,
    heartbeat,
    resolveOffset: (offset: string) => resolved.push(offset),
  } as unknown as EachBatchPayload;
  const watched = observeHandlers({ ...config, eachBatch: handler }, beginSession(start, host));
  const outcome = await watched.eachBatch?.(payload).then(
    () => null,
    (error: unknown) => error,
  );
  const told = events.map((event) => {
    if (event.kind === 'delivery')
      return `deliver ${event.topic}/${event.partition} ${event.offsets.join('+')}`;
    if (event.kind === 'processing-begin') return `begin ${event.offset} ${event.record}`;
    return event.kind === 'processing-end' ? `${event.outcome} ${event.offset}` : event.kind;
  });
  return { told, resolved, outcome, failures };
}

const delivered = 'deliver real.orders/2 4+5+6';

describe('a handler of whole batches', () => {
  it('begins a record when it takes it, and has done them all when it returns', async () => {
    const { told } = await handBatch(async ({ batch }) => {
      for (const message of batch.messages) await Promise.resolve(message);
    });
    expect(told).toEqual([delivered, 'begin 4 p-4', 'begin 5 p-5', 'begin 6 p-6', 'ok 4', 'ok 5', 'ok 6']);
  });

  it('has not done what it never took, although kafkajs takes the whole batch for done', async () => {
    const { told } = await handBatch(async ({ batch }) => {
      for (const message of batch.messages) if (message.offset === '5') break;
    });
    expect(told).toEqual([delivered, 'begin 4 p-4', 'begin 5 p-5', 'ok 4', 'ok 5']);
  });

  it('has done what it resolves, in order, and the call goes through', async () => {
    const { told, resolved } = await handBatch(
      async ({ batch, resolveOffset }) => {
        resolveOffset((batch.messages[1] as KafkaMessage).offset);
      },
      { eachBatchAutoResolve: false },
    );
    expect(told).toEqual([delivered, 'begin 4 p-4', 'begin 5 p-5', 'ok 4', 'ok 5']);
    expect(resolved).toEqual(['5']);
  });

  it('leaves open what it took and did not resolve, where it resolves by itself', async () => {
    const { told } = await handBatch(
      async ({ batch, resolveOffset }) => {
        const [first] = batch.messages.map(({ offset }) => offset);
        resolveOffset(first as string);
      },
      { eachBatchAutoResolve: false },
    );
    expect(told).toEqual([delivered, 'begin 4 p-4', 'begin 5 p-5', 'begin 6 p-6', 'ok 4']);
  });

  it('fails with what it had in hand, and kafkajs gets the error', async () => {
    const error = new Error('the database is away');
    const { told, outcome, failures } = await handBatch(async ({ batch, resolveOffset }) => {
      resolveOffset((batch.messages[0] as KafkaMessage).offset);
      if (batch.messages[1] !== undefined) throw error;
    });
    expect(told).toEqual([delivered, 'begin 4 p-4', 'ok 4', 'begin 5 p-5', 'failed 5']);
    expect(outcome).toBe(error);
    expect(failures).toEqual([error]);
  });

  it('counts what it took as done where the client itself ended it', async () => {
    const error = new Error('The group is rebalancing, so a rejoin is needed');
    const { told, outcome, failures } = await handBatch(
      async ({ batch, heartbeat }) => {
        if (batch.messages[0] !== undefined) await heartbeat();
      },
      {},
      async () => await Promise.reject(error),
    );
    expect(told).toEqual([delivered, 'begin 4 p-4', 'ok 4']);
    expect(outcome).toBe(error);
    expect(failures).toEqual([]);
  });

  it('sees its own name of the topic, and everything else of the batch', async () => {
    let seen: unknown;
    await handBatch(async ({ batch }) => {
      seen = [
        batch.topic,
        batch.partition,
        batch.messages.length,
        batch.isEmpty(),
        Array.isArray(batch.messages),
      ];
    });
    expect(seen).toEqual(['orders', 2, 3, false, true]);
  });
});
