/** The paragraph on what happens in a run: steps in order, those after the proof left out, then the anomaly. */
import { expect, it } from 'vitest';
import { judge } from '../properties/index.ts';
import { alone } from '../properties/testing/good-histories.ts';
import { Story } from '../properties/testing/history-builder.ts';
import { paragraphOf } from './account.ts';

it('tells a crash that repeats records', () => {
  const story = new Story();
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]);
  story.produces(8);
  m1.worksBatch(0, 4).commits(0, 4);
  m1.delivers(0, [4]).begins(0, 4).finishes(0, 4);
  m1.crashes();
  const m2 = story.joins('m2');
  story.generation([[m2, [0]]]);
  m2.worksBatch(0, 4).commits(0, 8);
  const history = story.history();
  const crash = history.events.findLastIndex(
    (event) => event.kind === 'process-exit' && event.signal === 'SIGKILL',
  );
  const paragraph = paragraphOf(history, judge(history), {
    property: 'at-least-once',
    signature: 'lost',
    policy: 'illegal',
    message: 'Group billing lost what m1 had.',
    events: [0, crash],
    subject: {},
  });
  expect(paragraph).toMatch(
    /^There is one broker; billing has \d members, reads orders \(1 partition\) with auto\.offset\.reset earliest .*?\. At \d+\.\d s, .*m1 started/,
  );
  expect(paragraph).toContain('m1 processed offsets 0 to 4 of orders-0');
  expect(paragraph).toContain('; it left orders-0 behind: committed 4');
  expect(paragraph).not.toContain('m2 processed');
  expect(paragraph).toMatch(/Group billing lost what m1 had\.$/);
});

const anomaly = (message: string, seq: number) => ({
  property: 'convergence',
  signature: 'x',
  policy: 'illegal' as const,
  message,
  events: [seq],
  subject: {},
});

it('tells what actions did, one error once, and nothing of the markers', () => {
  const error = 'KafkaJSNonRetriableError: gone <- KafkaJSProtocolError: gone';
  const { story, m1 } = alone({
    groups: [{ handler: { timeMs: { min: 5, max: 5 }, failuresPerThousand: 1_000, failuresPerRecord: 2 } }],
  });
  story.produces(2);
  m1.works(0, 1)
    .commits(0, 1)
    .stalls(() => story.wait(4_000));
  story.compacts([]);
  m1.clientCrashes(error, false);
  const history = story.ends({ drain: false, undrained: ['group billing has nobody'] }).history();
  const message = `m1.1 had stopped for good with ${error}`;
  expect(
    paragraphOf(history, judge(history), anomaly(message, history.events.length - 1)),
  ).toMatchInlineSnapshot(
    `"There is one broker; billing has 4 members, reads orders (1 partition) with auto.offset.reset earliest and a session timeout of 6 s, commits after each record, and works 5 ms on a record, failing 2 times at every record. At 0.1 s, m1 started; generation 1 of billing was stable: m1 with orders-0. At 0.2 s, m1 read its committed offsets: orders-0 none; m1 asked for the earliest offset: orders-0 0; p1 sent p1-0 to p1-1 to orders with acks all; all were acknowledged. At 0.3 s, m1 processed offset 0 of orders-0 (p1-0) and committed 1. At 0.4 s, m1 was stalled for 4 s. At 4.4 s, m1 went on; orders was compacted; m1 said that its consumer crashed for good: KafkaJSNonRetriableError: gone <- KafkaJSProtocolError: gone. m1 had stopped for good with the same error."`,
  );
});

it('tells of an aborted transaction, and of members that read different topics', () => {
  const { story } = alone({ groups: [{ members: [{ id: 'm1', topics: ['orders'] }, { id: 'm2' }] }] });
  const process = 'p1.1';
  story.emit({ process, kind: 'transaction', transaction: 0, call: 'begin' });
  const records = [{ record: 'p1-0', key: null }];
  const send = { process, produce: 0, topic: 'orders', acks: 'all' as const, transaction: 0, records };
  story.emit({ ...send, kind: 'produce-invoke' });
  story.emit({ process, kind: 'produce-ok', produce: 0, answers: [{ partition: 0, baseOffset: '0' }] });
  story.emit({ process, kind: 'transaction', transaction: 0, call: 'abort' });
  story.emit({
    process,
    kind: 'transaction-end',
    transaction: 0,
    ending: 'abort',
    outcome: 'ok',
    error: null,
  });
  const history = story.history();
  const text = paragraphOf(history, judge(history), anomaly('Something failed.', history.events.length - 1));
  expect(text).toContain('reads orders (1 partition), of which m1 reads only orders, with');
  expect(text).toContain('p1 sent p1-0 to orders in transactions; all were acknowledged');
  expect(text).toContain('p1 aborted the transaction with p1-0');
});

it('says who runs in one process, and what is done to all of it', () => {
  const shared = (id: string) => ({ id, sharedProcess: 'shop' });
  const story = new Story({ groups: [{ members: [shared('m1'), shared('m2'), { id: 'm3' }] }] });
  const m1 = story.joins('m1');
  story.joins('m2');
  m1.stalls(() => story.wait(100));
  const history = story.history();
  const paragraph = paragraphOf(history, judge(history), anomaly('So it is.', history.events.length - 1));
  expect(paragraph).toContain('; m1 and m2 run in one process, on one instance of Kafka. At');
  expect(paragraph).toContain('m2 started, in the shared process shop.1');
  expect(paragraph).toContain('m1 and m2 were stalled for 120 ms');
});
