/**
 * Histories that break no property, each told for the property that it is hardest for: nothing enters, stories by
 * property and name leave. Every property has to stay silent on all of them.
 */
import type { History } from '../../harness/history/schema.ts';
import type { Group } from '../../scenarios/schema.ts';
import { Story } from './history-builder.ts';

type Telling = () => Story;

/** One member owns all of `orders`. */
export const alone = (
  options: ConstructorParameters<typeof Story>[0] = {},
  partitions: readonly number[] = [0],
) => {
  const story = new Story(options);
  const m1 = story.joins('m1');
  story.generation([[m1, partitions]]);
  return { story, m1 };
};

/** Two members own a partition each. */
export const pair = (options: ConstructorParameters<typeof Story>[0] = {}) => {
  const story = new Story({ topics: { orders: 2 }, ...options });
  const m1 = story.joins('m1');
  const m2 = story.joins('m2');
  story.generation([
    [m1, [0]],
    [m2, [1]],
  ]);
  return { story, m1, m2 };
};

const cooperative = { assignors: ['cooperative-sticky' as const] };

/** A second member is to have the second partition, which its owner gives up in between (KIP-429). */
export const handOver = (group: Partial<Group> = {}, wire = true) => {
  const story = new Story({ topics: { orders: 2 }, groups: [{ ...cooperative, ...group }], wire });
  const m1 = story.joins('m1');
  story.generation([[m1, [0, 1]]]);
  const m2 = story.joins('m2');
  story.generation([
    [m1, [0]],
    [m2, []],
  ]);
  return { story, m1, m2 };
};

/** Two consumers that are no members of their group, and have taken a partition each. */
export const byHand = () => {
  const assigned = (partition: number) => [{ topic: 'orders', partitions: [partition] }];
  const members = [
    { id: 'm1', assigned: assigned(0) },
    { id: 'm2', assigned: assigned(1) },
  ];
  const story = new Story({ topics: { orders: 2 }, groups: [{ members }] });
  return { story, m1: story.joins('m1').assigns(), m2: story.joins('m2').assigns() };
};

/** One member that writes what it makes of `orders` into `invoices`. */
export const pipeline = (group: Partial<Group> = {}) =>
  alone({
    topics: { orders: 1, invoices: 1 },
    producers: [{ topics: ['orders'] }],
    groups: [
      {
        topics: ['orders'],
        commitMode: { kind: 'transaction', topic: 'invoices', abortEvery: null },
        ...group,
      },
    ],
  });

const tellings: Readonly<Record<string, Readonly<Record<string, Telling>>>> = {
  'exclusive-assignment': {
    'two members share four partitions': () => {
      const story = new Story({ topics: { orders: 4 } });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      return story.generation([
        [m1, [0, 2]],
        [m2, [1, 3]],
      ]);
    },
    'a partition moves from one member to the other': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 3).commits(0, 3);
      return story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
    },
    'two groups have an owner each for one partition': () => {
      const story = new Story({ groups: [{}, {}] });
      const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
      story.produces(2);
      story.generation([[m1, [0]]]).generation([[other, [0]]]);
      m1.works(0, 2).commits(0, 2);
      return story;
    },
    'a zombie still believes in its partition': () => {
      const { story, m1, m2 } = pair();
      m1.stalls(() => story.wait(7_000).generation([[m2, [0, 1]]]));
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
  },

  'complete-assignment': {
    'one member owns all partitions of two topics': () => {
      const story = new Story({ topics: { orders: 2, payments: 1 } });
      const m1 = story.joins('m1');
      return story.generation([[m1, { orders: [0, 1], payments: [0] }]]);
    },
    'partitions are added and noticed a while later': () => {
      const { story, m1, m2 } = pair();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
      story.generation([
        [m2, [0]],
        [m1, [1]],
      ]);
      story.wait(1_000);
      return story.generation([
        [m1, [0, 2]],
        [m2, [1]],
      ]);
    },
    'an assignment for the new count comes while partitions are being added': () => {
      const { story, m1 } = alone();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      return story.generation([[m1, [0, 1]]]);
    },
    'a cooperative group keeps a partition back until its owner has given it up': () => {
      const { story, m1, m2 } = handOver();
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a static member comes back while a partition is kept back': () => {
      const { story, m1, m2 } = handOver({ staticMembership: true });
      m1.crashes();
      const back = story.joins('m1');
      story.takesPlaceOf(back, m1);
      return story.generation([
        [back, [0]],
        [m2, [1]],
      ]);
    },
    'a partition of a static member that is back is kept back': () => {
      const group = { ...cooperative, staticMembership: true };
      const story = new Story({ topics: { orders: 2 }, groups: [group] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0, 1]]]);
      m1.crashes();
      const back = story.joins('m1');
      story.takesPlaceOf(back, m1);
      const m2 = story.joins('m2');
      story.generation([
        [back, [0]],
        [m2, []],
      ]);
      return story.generation([
        [back, [0]],
        [m2, [1]],
      ]);
    },
    'the group is empty for a while': () => {
      const { story, m1 } = alone();
      m1.leaves();
      story.empties();
      const m2 = story.joins('m2');
      return story.generation([[m2, [0]]]);
    },
  },

  'cooperative-handover': {
    'a partition rests for one generation': () => {
      const { story, m1, m2 } = handOver();
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'the owner had been thrown out and holds nothing': () => {
      const { story, m1, m2 } = handOver();
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { told: { refused: 'ILLEGAL_GENERATION' } });
      const m3 = story.joins('m3');
      return story.generation([
        [m3, [0]],
        [m2, [1]],
        [m1, []],
      ]);
    },
    'the owner never learned that it was one, nor of any assignment before': () => {
      const story = new Story({ topics: { orders: 2 }, groups: [cooperative] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      story.generation([[m1, [0, 1]]], { unaware: [m1] });
      m1.hearsNothingOf('REBALANCE_IN_PROGRESS');
      // It is still counted as a member, and dies before it hears of this one.
      story.generation(
        [
          [m1, [0]],
          [m2, [1]],
        ],
        { unaware: [m1] },
      );
      m1.crashes();
      return story.wait(6_000).generation([[m2, [0, 1]]]);
    },
    'the owner never learned that it was one': () => {
      const { story, m1, m2 } = handOver();
      story.generation(
        [
          [m1, [0]],
          [m2, [1]],
        ],
        { unaware: [m2] },
      );
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0]],
        [m3, [1]],
        [m2, []],
      ]);
    },
    'an eager group moves partitions at once': () => {
      const { story, m1, m2 } = pair({ groups: [{ assignors: ['cooperative-sticky', 'range'] }] });
      return story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
    },
    'a static member that is away loses its partition': () => {
      const { story, m1, m2 } = handOver({ staticMembership: true });
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      m1.crashes();
      const m3 = story.joins('m3');
      story.generation(
        [
          [m2, [1]],
          [m3, [0]],
          [m1, []],
        ],
        { unaware: [m1] },
      );
      return story.wait(6_000).generation([
        [m2, [1]],
        [m3, [0]],
      ]);
    },
    'a static member is back and has its partition': () => {
      const { story, m1, m2 } = handOver({ staticMembership: true });
      m1.crashes();
      const back = story.joins('m1');
      story.takesPlaceOf(back, m1);
      return story.generation([
        [m2, [1]],
        [back, [0]],
      ]);
    },
  },

  'idle-member': {
    'a member waits until a partition has been given up': () => {
      const { story, m1, m2 } = handOver();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 4 });
      story.wait(15_000).generation([
        [m1, [0, 2]],
        [m2, [1, 3]],
      ]);
      const m3 = story.joins('m3');
      return story
        .generation([
          [m1, [0, 2]],
          [m2, [1]],
          [m3, []],
        ])
        .generation([
          [m1, [0, 2]],
          [m2, [1]],
          [m3, [3]],
        ]);
    },
    'a third member waits and takes over after a crash': () => {
      const { story, m1, m2 } = pair();
      const m3 = story.joins('m3');
      story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
      story.produces(2);
      m1.crashes();
      story.wait(6_000);
      return story.generation([
        [m2, [0]],
        [m3, [1]],
      ]);
    },
    'an idle member leaves': () => {
      const { story, m1 } = alone();
      const m2 = story.joins('m2');
      story.generation([
        [m1, [0]],
        [m2, []],
      ]);
      m2.leaves();
      return story.generation([[m1, [0]]]);
    },
    'an idle member stalls past its session': () => {
      const { story, m1 } = alone();
      const m2 = story.joins('m2');
      story.generation([
        [m1, [0]],
        [m2, []],
      ]);
      m2.stalls(() => story.wait(7_000).generation([[m1, [0]]]));
      return story.generation([
        [m1, [0]],
        [m2, []],
      ]);
    },
    'two members, one partition of each topic': () => {
      const story = new Story({ topics: { orders: 1, payments: 1, shipments: 1 } });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      return story.generation([
        [m1, { orders: [0], payments: [0] }],
        [m2, { shipments: [0] }],
      ]);
    },
  },

  'no-lost-commit': {
    'the next owner resumes from the commit of a crashed one': () => {
      const { story, m1, m2 } = pair();
      story.produces(5);
      m1.works(0, 3).commits(0, 3, { byApplication: true }).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      m2.works(0, 2).commits(0, 5);
      return story;
    },
    'a commit in flight at a crash had been accepted': () => {
      const { story, m1, m2 } = pair();
      story.produces(5);
      m1.works(0, 3).commits(0, 2).commits(0, 3, { told: 'silence' }).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      return story;
    },
    'a commit in flight at a crash never arrived': () => {
      const { story, m1, m2 } = pair();
      story.produces(5);
      m1.works(0, 3).commits(0, 2).commits(0, 3, { told: 'silence', written: false }).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      return story;
    },
    'the committed offsets are deleted while nobody is there': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 3).commits(0, 3).leaves();
      story.empties().deletesOffsets();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.works(0, 3).commits(0, 3);
      return story;
    },
    'the same commit is made and confirmed twice': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 2).commits(0, 2, { told: 'unknown' }).commits(0, 2);
      return story;
    },
    'nothing of the traffic is known': () => {
      const { story, m1, m2 } = pair({ wire: false });
      story.produces(5);
      m1.works(0, 3).commits(0, 3, { byApplication: true }).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      return story;
    },
    'the coordinator goes away and comes back': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.works(0, 2).commits(0, 2);
      story.during({ kind: 'crash-broker', broker: 1 }, () => story.wait(2_000));
      m1.works(0, 1).commits(0, 3);
      story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
      return story;
    },
  },

  'answered-offset': {
    'a position is behind what was handed over, and the next record is there': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.asks('position', 0, 0).works(0, 2).asks('position', 0, 2).works(0, 1).commits(0, 3);
      return m1.asks('position', 0, 3).story;
    },
    'a position is that of the first record that is to come again': () => {
      const { story, m1 } = alone({ groups: [{ consumeMode: 'manual' }] });
      story.produces(4);
      m1.delivers(0, [0, 1, 2]).processes(0, 0).asks('position', 0, 1).stands(0, 1);
      return m1.works(0, 3).commits(0, 4).story;
    },
    'a position is before, or behind, records that the group is not shown': () => {
      const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
      story.produces(4);
      for (const offset of [1, 2]) story.transaction(0, offset, { state: 'aborted', endedAt: story.time });
      m1.works(0, 1).asks('position', 0, 1).asks('position', 0, 3).stands(0, 3);
      return m1.works(0, 1).commits(0, 4).story;
    },
    'a seek, a reset and a rebalance move the member after it has asked': () => {
      const { story, m1 } = alone();
      story.produces(5);
      m1.works(0, 2)
        .asks('position', 0, 2)
        .calls('seek', { partitions: [0], offset: 0 })
        .stands(0, 0)
        .works(0, 1);
      m1.commits(0, 1).asks('position', 0, 1);
      story.generation([[m1, [0]]]);
      m1.works(0, 1).asks('position', 0, 2).commits(0, 2);
      story.deletesRecords(4);
      return m1.findsOutOfRange(0, { offset: 2 }).works(0, 1).commits(0, 5).story;
    },
    'the committed offset is that of before, or of a commit that is made meanwhile': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m2.asks('committed', 0, null);
      m1.works(0, 1).commits(0, 1);
      story.wait(20);
      m2.asks('committed', 0, 1);
      m2.asks('committed', 0, 2, () => m1.works(0, 1).commits(0, 2));
      m2.asks('committed', 0, 2, () => m1.works(0, 1).commits(0, 3));
      return story;
    },
    'a commit that nobody was told of may count or not': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1).commits(0, 1).works(0, 1).commits(0, 2, { told: 'silence' });
      return m1.asks('committed', 0, 1).asks('committed', 0, 2).story;
    },
    'a cooperative member asks after a rebalance, and goes on from where it was, beyond what is committed':
      () => {
        const { story, m1, m2 } = handOver({ commitMode: { kind: 'none' } });
        story.produces(4);
        m1.works(0, 2);
        story.generation([
          [m1, [0]],
          [m2, [1]],
        ]);
        return m1.asks('committed', 0, null).stands(0, 2).works(0, 2).story;
      },
  },

  'explained-resume': {
    'a group with read_committed starts, and resumes, behind aborted records': () => {
      const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
      story.produces(4);
      for (const offset of [0, 2]) story.transaction(0, offset, { state: 'aborted', endedAt: story.time });
      m1.stands(0, 1).works(0, 1).commits(0, 2).leaves();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.stands(0, 3).works(0, 1).commits(0, 4);
      return story;
    },
    'a cooperative member keeps its partition, and a record that failed comes again': () => {
      const { story, m1, m2 } = handOver();
      story.produces(4);
      m1.works(0, 2).commits(0, 1).delivers(0, [2]).processes(0, 2, 'failed');
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      m1.stands(0, 2).works(0, 2).commits(0, 4);
      return story;
    },
    'a cooperative member without a tap keeps its partition, and goes on where it was': () => {
      const { story, m1, m2 } = handOver({ consumeMode: 'manual' }, false);
      story.produces(4);
      m1.works(0, 1).commits(0, 1).delivers(0, [1, 2]).processes(0, 1);
      m1.commits(0, 2, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      m1.stands(0, 2).works(0, 2).commits(0, 4);
      return story;
    },
    'the same before it has committed anything, over a generation that was never settled': () => {
      const { story, m1, m2 } = handOver({ consumeMode: 'manual' }, false);
      story.produces(4);
      m1.delivers(0, [0, 1, 2]).processes(0, 0);
      m1.commits(0, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
      story.group().generation += 1;
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      m1.hears().stands(0, 1).works(0, 3).commits(0, 4);
      return story;
    },
    'a group that starts at the end': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(5);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(2);
      m1.works(0, 2).commits(0, 7);
      return story;
    },
    'the committed offset holds no record': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.works(0, 2).commits(0, 2);
      story.log('orders', 0).records.push(null, null);
      story.produces(1);
      story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
      m2.stands(0, 4).works(0, 1).commits(0, 5);
      return story;
    },
    'records below the committed offset are deleted': () => {
      const { story, m1, m2 } = pair();
      story.produces(6);
      m1.works(0, 2).commits(0, 2).crashes();
      story
        .deletesRecords(1)
        .wait(6_000)
        .generation([[m2, [0, 1]]]);
      return story;
    },
    'a batch in hand outlasts a rebalance of its own member': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.delivers(0, [0]).processes(0, 0);
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      // The second handler call still belongs to what had been fetched before.
      m1.delivers(0, [1]).processes(0, 1).stands(0, 0);
      m1.works(0, 4).commits(0, 4);
      return story;
    },
    'the owner that is given a partition dies before it delivers anything': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 1).commits(0, 1);
      story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
      m2.crashes();
      return story.wait(6_000).generation([[m1, [0, 1]]]);
    },
    'the first commit is still under way when the partition moves': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 2).commits(0, 2, { told: 'unknown' });
      return story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
    },
  },

  'at-least-once': {
    'members without a group read what they have taken, and one that is gone leaves its partition alone':
      () => {
        const { story, m1, m2 } = byHand();
        story.produces(3);
        story.produces(2, { partition: 1 });
        m1.works(0, 2).commits(0, 2).crashes();
        m2.works(1, 1).commits(1, 1);
        story.joins('m1').assigns().works(0, 1).commits(0, 3).leaves();
        story.produces(1);
        m2.works(1, 1).commits(1, 2);
        return story.ends({ drain: false });
      },
    'a failing record is tried again': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 1).delivers(0, [1]).processes(0, 1, 'failed').stands(0, 1).works(0, 2).commits(0, 3);
      return story;
    },
    'records from before the group started at the end': () => {
      const story = new Story({ topics: { orders: 2 }, groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(4);
      story.produces(4, { partition: 1 });
      const m1 = story.joins('m1');
      story.generation([[m1, [0, 1]]]);
      story.produces(3, { partition: 1 });
      m1.works(1, 3).commits(1, 7);
      return story;
    },
    'a send without an answer was written, another was not': () => {
      const { story, m1 } = alone();
      story.produces(1, { outcome: 'unknown' });
      story.produces(1, { outcome: 'unknown', written: false });
      story.produces(1, { outcome: 'fail' });
      m1.works(0, 1).commits(0, 1);
      return story;
    },
    'nobody is left to drain the group': () => {
      const { story, m1 } = alone();
      story.produces(5);
      m1.works(0, 2).commits(0, 2).leaves();
      return story.empties();
    },
    'latest after the offsets were deleted moves the start': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(3);
      m1.works(0, 3).commits(0, 3).leaves();
      story.empties().produces(4);
      story.deletesOffsets();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]).produces(1);
      m2.works(0, 1).commits(0, 8);
      return story;
    },
    'records are deleted before anybody processed them': () => {
      const story = new Story();
      story.produces(6);
      story.deletesRecords(4);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]);
      m1.works(0, 2).commits(0, 6);
      return story;
    },
    'a zombie finishes what the new owner never got to': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.delivers(0, [0, 1]).begins(0, 0);
      m1.stalls(() => story.wait(7_000).generation([[m2, [0, 1]]]));
      m1.finishes(0, 0).processes(0, 1);
      m2.works(0, 2).commits(0, 2);
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
  },

  'duplicate-bound': {
    'a cooperative member goes on over a rebalance, and three batches after it fail and come again': () => {
      const { story, m1, m2 } = handOver({ consumeMode: 'each-batch' });
      story.produces(10);
      m1.worksBatch(0, 2).commits(0, 2);
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      m1.stands(0, 2).worksBatch(0, 2).commits(0, 4);
      for (const first of [4, 6, 8]) {
        m1.delivers(0, [first, first + 1])
          .processes(0, first)
          .commits(0, first + 1)
          .processes(0, first + 1, 'failed');
        m1.stands(0, first)
          .worksBatch(0, 2)
          .commits(0, first + 2);
      }
      return story;
    },
    'what a cooperative rebalance takes away is worked on until the application gives it up': () => {
      const story = new Story({ topics: { orders: 2 }, groups: [cooperative] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0, 1]]]).produces(3, { partition: 1 });
      m1.works(1, 1);
      // Thrown out, and back with both: nothing was committed, so its one record is due again.
      story
        .wait(6_000)
        .empties()
        .generation([[m1, [0, 1]]]);
      m1.resolves(1).stands(1, 0);
      const m2 = story.joins('m2');
      const shares = [
        [m1, [0]],
        [m2, []],
      ] as const;
      story.generation(shares, { busy: [m1] });
      m1.works(1, 2).takesUp();
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'what was processed and not committed comes again after a crash': () => {
      const { story, m1, m2 } = pair();
      story.produces(6);
      m1.works(0, 2).commits(0, 2).works(0, 2).delivers(0, [4]).begins(0, 4).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      m2.works(0, 4).commits(0, 6);
      return story;
    },
    'a zombie and the new owner process the same records': () => {
      const { story, m1, m2 } = pair();
      story.produces(6);
      m1.works(0, 1).commits(0, 1).delivers(0, [1, 2, 3]).begins(0, 1);
      m1.stalls(() => {
        story.wait(7_000).generation([[m2, [0, 1]]]);
        m2.works(0, 5).commits(0, 6);
      });
      m1.finishes(0, 1).processes(0, 2).processes(0, 3);
      m1.commits(0, 4, { told: { refused: 'UNKNOWN_MEMBER_ID' } });
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'the new owner meets records that a zombie is working on': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.delivers(0, [0, 1, 2, 3]).begins(0, 0);
      m1.stalls(() => {
        story.wait(7_000).generation([[m2, [0, 1]]]);
        m2.works(0, 1);
      });
      m1.finishes(0, 0).processes(0, 1).processes(0, 2);
      m2.works(0, 3).commits(0, 4);
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a failing handler brings the whole batch again': () => {
      const { story, m1 } = alone({
        groups: [{ consumeMode: 'each-batch', commitMode: { kind: 'per-record' } }],
      });
      story.produces(5);
      m1.worksBatch(0, 2).commits(0, 2);
      m1.delivers(0, [2, 3, 4]).processes(0, 2).commits(0, 3).processes(0, 3, 'failed');
      m1.stands(0, 2).worksBatch(0, 3).commits(0, 5);
      return story;
    },
    'a record committed beforehand fails and comes again': () => {
      const { story, m1 } = alone({ groups: [{ commitOrder: 'commit-then-process' }] });
      story.produces(3);
      m1.delivers(0, [0])
        .commits(0, 1)
        .processes(0, 0)
        .delivers(0, [1])
        .commits(0, 2)
        .processes(0, 1, 'failed');
      m1.delivers(0, [1]).commits(0, 2).processes(0, 1).works(0, 1).commits(0, 3);
      return story;
    },
    'nothing is ever committed': () => {
      const { story, m1, m2 } = pair({ groups: [{ commitMode: { kind: 'none' } }] });
      story.produces(3);
      m1.works(0, 3);
      story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
      m2.works(0, 3);
      return story;
    },
    'a commit whose outcome is unknown had succeeded': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 3).commits(0, 3, { told: 'unknown' }).crashes();
      return story.wait(6_000).generation([[m2, [0, 1]]]);
    },
    'the client restarts and begins at its commit': () => {
      const { story, m1 } = alone();
      story.produces(4);
      m1.works(0, 2).commits(0, 1).clientCrashes('connection lost', true);
      story.generation([[m1, [0]]]);
      m1.works(0, 3).commits(0, 4);
      return story;
    },
    'a handler outlasts the session': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.delivers(0, [0]).begins(0, 0);
      story.wait(7_000).generation([[m2, [0, 1]]]);
      m2.works(0, 1).commits(0, 1);
      m1.finishes(0, 0).commits(0, 1, { told: { refused: 'UNKNOWN_MEMBER_ID' } });
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a refused commit brings its record again': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1).commits(0, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
      m1.stands(0, 0).works(0, 2).commits(0, 2);
      return story;
    },
  },

  'offset-reset': {
    'none, and the application has said where it begins': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(3);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]], { unaware: [m1] });
      m1.commits(0, 1, { generation: 1 }).hears().works(0, 2).commits(0, 3);
      return story;
    },
    'earliest, never committed': () => {
      const story = new Story();
      story.produces(3);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]);
      m1.works(0, 3).commits(0, 3);
      return story;
    },
    'latest, never committed, and the log goes on': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(3);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(2);
      m1.works(0, 2).commits(0, 5);
      return story;
    },
    'earliest, position below the log start': () => {
      const { story, m1, m2 } = pair();
      story.produces(6);
      m1.works(0, 2).commits(0, 2).crashes();
      return story
        .deletesRecords(4)
        .wait(6_000)
        .generation([[m2, [0, 1]]]);
    },
    'latest, position below the log start': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(6);
      m1.works(0, 2).commits(0, 2);
      story.deletesRecords(4);
      m1.findsOutOfRange(0, { offset: 2 });
      story.produces(1);
      m1.works(0, 1).commits(0, 7);
      return story;
    },
    'three brokers are asked for the end of the log, one after another': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(1);
      m1.resolves(0, { told: null });
      story.produces(1);
      m1.resolves(0, { told: null });
      m1.stands(0, 0).works(0, 2).commits(0, 2);
      return story;
    },
    'latest without a tap': () => {
      const story = new Story({ wire: false, groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(3);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(2);
      m1.works(0, 2).commits(0, 5);
      return story;
    },
    'a look at the other end of the log, for the lag': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1).commits(0, 1);
      const position = m1.positionAt(0);
      m1.resolves(0).lists(0, { at: 'latest' }).stands(0, position).works(0, 1).commits(0, 2);
      return story;
    },
  },

  'owned-commit': {
    'a cooperative member commits what it had in hand before it gives the partition up': () => {
      const story = new Story({ topics: { orders: 2 }, groups: [cooperative] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0, 1]]]).produces(2, { partition: 1 });
      m1.works(1, 2);
      const m2 = story.joins('m2');
      story.generation([
        [m1, [0]],
        [m2, []],
      ]);
      m1.commits(1, 2);
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a commit just before the generation changes': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.works(0, 2).commits(0, 2);
      return story.generation([
        [m1, [1]],
        [m2, [0]],
      ]);
    },
    'a stale commit is refused and the application told': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.works(0, 1);
      m1.stalls(() => story.wait(7_000).generation([[m2, [0, 1]]]));
      m1.commits(0, 1, { told: { refused: 'UNKNOWN_MEMBER_ID' }, byApplication: true });
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a commit that timed out had been written': () => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { told: { refused: 'REQUEST_TIMED_OUT' }, written: true });
      return story;
    },
    'nobody knows who asked': () => {
      const { story, m1 } = alone({ wire: false });
      story.produces(2);
      m1.works(0, 2);
      return story.accepts('orders', 0, 2);
    },
    'a refused call is repeated and succeeds': () => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1)
        .commits(0, 1, { told: { refused: 'COORDINATOR_LOAD_IN_PROGRESS' } })
        .commits(0, 1);
      return story;
    },
  },

  'commit-monotonic': {
    'a new owner commits the same offset again': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.works(0, 3).commits(0, 2).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      m2.works(0, 1).commits(0, 3).commits(0, 3);
      return story;
    },
    'a lower commit after the offsets were deleted': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 3).commits(0, 3).leaves();
      story.empties().deletesOffsets();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.works(0, 1).commits(0, 1).works(0, 2).commits(0, 3);
      return story;
    },
    'a zombie has its lower commit refused': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.works(0, 1);
      m1.stalls(() => {
        story.wait(7_000).generation([[m2, [0, 1]]]);
        m2.works(0, 4).commits(0, 4);
      });
      m1.commits(0, 1, { told: { refused: 'ILLEGAL_GENERATION' } });
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'a repeated batch has its records committed again': () => {
      const { story, m1 } = alone({ groups: [{ consumeMode: 'each-batch' }] });
      story.produces(4);
      m1.delivers(0, [0, 1, 2, 3]);
      for (const offset of [0, 1, 2]) m1.processes(0, offset).commits(0, offset + 1);
      m1.processes(0, 3, 'failed').stands(0, 0).delivers(0, [0, 1, 2, 3]);
      for (const offset of [0, 1, 2, 3]) m1.processes(0, offset).commits(0, offset + 1);
      return story;
    },
    'the whole group is removed and starts anew': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 3).commits(0, 3).leaves();
      story.empties().deletesOffsets().forgets();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.works(0, 2).commits(0, 2);
      return story;
    },
  },

  'group-isolation': {
    'two groups read one topic at their own speed': () => {
      const story = new Story({ groups: [{}, {}] });
      const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
      story.generation([[m1, [0]]]).generation([[other, [0]]]);
      story.produces(4);
      m1.works(0, 4).commits(0, 4);
      other.works(0, 1).commits(0, 1).works(0, 1).commits(0, 2);
      return story;
    },
    'a killed member had its last request in the queue': () => {
      const { story, m1 } = alone({}, [0]);
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { told: 'silence', written: false }).crashes();
      story.accepts('orders', 0, 1);
      const m2 = story.joins('m2');
      return story.wait(6_000).generation([[m2, [0]]]);
    },
    "an operator deletes one group's offsets": () => {
      const story = new Story({ groups: [{}, {}] });
      const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
      story.produces(2);
      story.generation([[m1, [0]]]).generation([[other, [0]]]);
      m1.works(0, 2).commits(0, 2);
      other.works(0, 2).commits(0, 2).leaves();
      story.empties('audit').deletesOffsets('orders', 'audit');
      return story;
    },
    'the last session ends after its member': () => {
      const { story, m1 } = alone();
      m1.crashes();
      return story.wait(6_000).empties();
    },
  },

  'produced-offset': {
    'acks 0 is told nothing': () => {
      const { story, m1 } = alone({ producers: [{ acks: 0 }] });
      story.produces(2);
      story.produces(1, { answered: null });
      m1.works(0, 3).commits(0, 3);
      return story;
    },
    'one send goes to two partitions': () => {
      const { story, m1 } = alone({ topics: { orders: 2 } }, [0, 1]);
      const records = ['p1-0', 'p1-1', 'p1-2'];
      story.emit({
        process: 'p1.1',
        kind: 'produce-invoke',
        produce: 0,
        topic: 'orders',
        acks: 'all',
        records: records.map((record) => ({ record, key: null })),
      });
      story.log('orders', 0).records.push('p1-0', 'p1-2');
      story.log('orders', 1).records.push('p1-1');
      story.emit({
        process: 'p1.1',
        kind: 'produce-ok',
        produce: 0,
        answers: [
          { partition: 1, baseOffset: '0' },
          { partition: 0, baseOffset: '0' },
        ],
      });
      m1.works(0, 2).commits(0, 2).works(1, 1).commits(1, 1);
      return story;
    },
    'acknowledged records are deleted in the middle of a send': () => {
      const story = new Story();
      story.produces(2);
      story.produces(4);
      story.deletesRecords(4);
      const m1 = story.joins('m1');
      return story.generation([[m1, [0]]]);
    },
    'all of it is deleted': () => {
      const story = new Story();
      story.produces(3);
      story.deletesRecords(3);
      const m1 = story.joins('m1');
      return story.generation([[m1, [0]]]);
    },
  },

  'producer-flush': {
    'a producer that drops what it has not sent': () => {
      const { story, m1 } = alone({ producers: [{ closing: 'drop' }] });
      story.produces(1);
      story.produces(1, { outcome: 'fail' });
      story.produces(1, { outcome: 'none', written: false });
      story.closesProducer();
      m1.works(0, 1).commits(0, 1);
      return story;
    },
    'a clean close after all answers': () => {
      const { story, m1 } = alone();
      story.produces(3);
      story.closesProducer();
      m1.works(0, 3).commits(0, 3);
      return story;
    },
    'records that failed or are unknown need not be there': () => {
      const { story, m1 } = alone();
      story.produces(1, { outcome: 'unknown', written: false });
      story.produces(1, { outcome: 'fail' });
      story.produces(1);
      story.closesProducer();
      m1.works(0, 1).commits(0, 1);
      return story;
    },
    'sent with acks 0 and deleted since': () => {
      const story = new Story({ producers: [{ acks: 0 }] });
      story.produces(3);
      story.closesProducer().deletesRecords(2);
      const m1 = story.joins('m1');
      return story.generation([[m1, [0]]]);
    },
    'a producer that is killed owes nothing': () => {
      const { story } = alone();
      story.produces(1, { outcome: 'none', written: false });
      story.act({ kind: 'crash-producer', producer: 'p1' });
      story.emit({ process: 'p1.1', kind: 'process-exit', code: null, signal: 'SIGKILL' });
      return story;
    },
    'a close that failed says so': () => {
      const { story } = alone();
      story.produces(1, { outcome: 'none', written: false });
      return story.closesProducer('p1', 'connection refused');
    },
  },

  'balanced-assignment': {
    'range gives the first members more of each topic': () => {
      const story = new Story({ topics: { orders: 3, payments: 3 }, groups: [{ assignors: ['range'] }] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      return story.generation([
        [m1, { orders: [0, 1], payments: [0, 1] }],
        [m2, { orders: [2], payments: [2] }],
      ]);
    },
    'round robin spreads all topics over all members': () => {
      const story = new Story({ topics: { orders: 3, payments: 2 } });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      return story.generation([
        [m1, { orders: [0, 2], payments: [1] }],
        [m2, { orders: [1], payments: [0] }],
      ]);
    },
    'a cooperative group is out of balance until a partition has been given up': () => {
      const { story, m1, m2 } = handOver();
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'more members than partitions': () => {
      const { story, m1, m2 } = pair({ groups: [{ assignors: ['sticky'] }] });
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
    },
  },

  'sticky-economy': {
    'a member comes, and one partition goes to it': () => {
      const story = new Story({ topics: { orders: 3 }, groups: [{ assignors: ['sticky'] }] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      story.generation([
        [m1, [0, 2]],
        [m2, [1]],
      ]);
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, [2]],
      ]);
    },
    'a static member is back within its session': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true, assignors: ['range'] }] });
      m1.crashes();
      const back = story.joins('m1');
      return story.takesPlaceOf(back, m1);
    },
    'round robin deals anew when a member comes': () => {
      const story = new Story({ topics: { orders: 4 } });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      story.generation([
        [m1, [0, 2]],
        [m2, [1, 3]],
      ]);
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0, 3]],
        [m2, [1]],
        [m3, [2]],
      ]);
    },
    'a member that was thrown out has nothing to keep': () => {
      const story = new Story({ topics: { orders: 3 }, groups: [{ assignors: ['sticky'] }] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      story.generation([
        [m1, [0, 2]],
        [m2, [1]],
      ]);
      m1.isRefused('ILLEGAL_GENERATION');
      return story.generation([
        [m1, [0]],
        [m2, [1, 2]],
      ]);
    },
  },

  'no-spurious-rebalance': {
    'a member leaves and another comes': () => {
      const { story, m1, m2 } = pair();
      m1.leaves();
      story.wait(20_000).generation([[m2, [0, 1]]]);
      const m3 = story.joins('m3');
      return story.wait(20_000).generation([
        [m2, [0]],
        [m3, [1]],
      ]);
    },
    'partitions are added': () => {
      const { story, m1 } = alone();
      story.wait(30_000).act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      return story.wait(1_000).generation([[m1, [0, 1]]]);
    },
    'the coordinator goes away and comes back': () => {
      const { story, m1 } = alone();
      story.wait(30_000).during({ kind: 'restart-broker', broker: 1 }, () => story.wait(1_000));
      return story.generation([[m1, [0]]]);
    },
    'a client starts anew after an error': () => {
      const { story, m1 } = alone();
      story.wait(30_000);
      m1.clientCrashes('connection lost', true);
      return story.generation([[m1, [0]]]);
    },
    'a static member went away before its assignment came, and the coordinator waits for that one': () => {
      const story = new Story({ topics: { orders: 2 }, groups: [{ staticMembership: true }] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      m2.crashes();
      story.generation(
        [
          [m1, [0]],
          [m2, [1]],
        ],
        { unaware: [m2] },
      );
      const back = story.joins('m2');
      story.takesPlaceOf(back, m2);
      return story.wait(6_000).generation([
        [m1, [0]],
        [back, [1]],
      ]);
    },
    'the second half of a cooperative rebalance': () => {
      const { story, m1, m2 } = handOver();
      return story.wait(30_000).generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
  },

  'timeout-detection': {
    'a crashed member is dropped when its session is over': () => {
      const { story, m1, m2 } = pair();
      m1.crashes();
      return story.wait(6_000).generation([[m2, [0, 1]]]);
    },
    'a member leaves, and is dropped at once': () => {
      const { story, m1, m2 } = pair();
      m1.leaves();
      return story.generation([[m2, [0, 1]]]);
    },
    'a stalled member comes back within its session': () => {
      const { story, m1 } = pair();
      m1.stalls(() => story.wait(5_000));
      story.produces(1);
      m1.works(0, 1).commits(0, 1);
      return story.wait(60_000);
    },
    'a static member is back after a while': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      m1.crashes();
      story.wait(4_000);
      const back = story.joins('m1');
      story.takesPlaceOf(back, m1);
      return story.wait(30_000);
    },
    'nobody is left to write a generation for before the end': () => {
      const { m1, story } = alone();
      m1.crashes();
      return story.wait(1_000);
    },
  },

  'static-fencing': {
    'a static member takes over from its former self, which has ended': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      m1.crashes();
      const back = story.joins('m1');
      return story.takesPlaceOf(back, m1);
    },
    'the former self still runs and is told': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      const back = story.starts('m1');
      story.takesPlaceOf(back, m1);
      m1.isRefused('FENCED_INSTANCE_ID').exits(1);
      return story.wait(10_000);
    },
    'a commit of the fenced member is refused': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      story.produces(1);
      m1.works(0, 1);
      const back = story.starts('m1');
      story.takesPlaceOf(back, m1);
      m1.commits(0, 1, { told: { refused: 'FENCED_INSTANCE_ID' } }).exits(1);
      back.works(0, 1).commits(0, 1);
      return story;
    },
  },

  'exclusive-processing': {
    'the new owner begins when the old one has stopped': () => {
      const { story, m1, m2 } = pair();
      story.produces(4);
      m1.works(0, 2).commits(0, 2).leaves();
      story.generation([[m2, [0, 1]]]);
      m2.works(0, 2).commits(0, 4);
      return story;
    },
    'a record that is in work when the partition goes is finished': () => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.delivers(0, [0]).begins(0, 0);
      const m3 = story.joins('m3');
      story.generation([
        [m2, [1]],
        [m3, [0]],
        [m1, []],
      ]);
      m1.finishes(0, 0);
      return story;
    },
    'two groups work on one partition': () => {
      const story = new Story({ groups: [{}, {}] });
      const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
      story.generation([[m1, [0]]]).generation([[other, [0]]]);
      story.produces(2);
      m1.works(0, 2).commits(0, 2);
      other.works(0, 2).commits(0, 2);
      return story;
    },
    'nobody owns the partition for a generation': () => {
      const { story, m1, m2 } = handOver();
      story.produces(1);
      m1.works(0, 1).commits(0, 1);
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
  },

  'owned-consumption': {
    'a member reads what each assignment gives it': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 1).commits(0, 1);
      const m3 = story.joins('m3');
      story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
      m1.works(0, 2).commits(0, 3);
      return story;
    },
    'a cooperative member goes on while it joins': () => {
      const { story, m1, m2 } = handOver();
      story.produces(2);
      m1.isJoining().works(0, 2).commits(0, 2);
      return story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
    },
    'records of an earlier poll are in hand when the member leaves': () => {
      const { story, m1 } = alone();
      story.produces(1);
      story.wait(1_000);
      m1.departs();
      story.emit({
        process: m1.process,
        kind: 'delivery',
        group: 'billing',
        topic: 'orders',
        partition: 0,
        offsets: ['0'],
        sincePollMs: 500,
      });
      m1.stands(0, 1).processes(0, 0).terminates();
      story.wait(1_000).empties();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.works(0, 1).commits(0, 1);
      return story;
    },
    'nothing of the traffic is known': () => {
      const { story, m1 } = alone({ wire: false });
      story.produces(2);
      m1.works(0, 2).commits(0, 2);
      return story;
    },
  },

  continuity: {
    'control records lie between two records': () => {
      const { story, m1 } = alone();
      story.produces(1);
      story.log('orders', 0).records.push(null);
      story.produces(1);
      m1.works(0, 1).stands(0, 2).works(0, 1).commits(0, 3);
      return story;
    },
    'records are deleted under a reader': () => {
      const { story, m1 } = alone();
      story.produces(6);
      m1.works(0, 1).commits(0, 1);
      story.deletesRecords(4);
      m1.findsOutOfRange(0, { offset: 1 }).works(0, 2).commits(0, 6);
      return story;
    },
    'a record that failed comes again': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 1).delivers(0, [1]).processes(0, 1, 'failed').stands(0, 1).works(0, 2).commits(0, 3);
      return story;
    },
  },

  order: {
    'keys come in order, each by itself': () => {
      const { story, m1 } = alone({ topics: { orders: 2 } }, [0, 1]);
      story.produces(2, { key: 'a' });
      story.produces(2, { key: 'b', partition: 1 });
      m1.works(1, 2).commits(1, 2).works(0, 2).commits(0, 2);
      return story;
    },
    'a record is repeated after a later one': () => {
      const { story, m1 } = alone();
      story.produces(2, { key: 'a' });
      m1.delivers(0, [0, 1]).processes(0, 0).processes(0, 1, 'failed').stands(0, 0);
      m1.delivers(0, [0, 1]).processes(0, 0).processes(0, 1).commits(0, 2);
      return story;
    },
    'the new owner begins with what the old one had not done': () => {
      const { story, m1, m2 } = pair();
      story.produces(3, { key: 'a' });
      m1.works(0, 2).commits(0, 1).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      m2.works(0, 2).commits(0, 3);
      return story;
    },
  },

  'commit-within-processed': {
    'a record is committed when it is done': () => {
      const { story, m1 } = alone();
      story.produces(3);
      m1.works(0, 1).commits(0, 1).works(0, 2).commits(0, 3);
      return story;
    },
    'a new owner commits what it was given to begin with': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 2).commits(0, 2).leaves();
      story.generation([[m2, [0, 1]]]);
      m2.commits(0, 2);
      return story;
    },
    'a group commits where latest found the end': () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(4);
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]);
      m1.commits(0, 4);
      story.produces(1);
      m1.works(0, 1).commits(0, 5);
      return story;
    },
    'records that the log does not hold any more': () => {
      const { story, m1 } = alone();
      story.produces(4);
      m1.works(0, 1).commits(0, 1);
      story.deletesRecords(3);
      m1.findsOutOfRange(0, { offset: 1 }).works(0, 1).commits(0, 4);
      return story;
    },
  },

  'paused-consumption': {
    'a paused partition waits until it is resumed, and another one goes on': () => {
      const { story, m1 } = alone({ topics: { orders: 2 } }, [0, 1]);
      story.produces(2);
      story.produces(1, { partition: 1 });
      m1.works(0, 1)
        .calls('pause', { partitions: [0] })
        .works(1, 1);
      return m1
        .calls('resume', { partitions: [0] })
        .works(0, 1)
        .commits(0, 2)
        .commits(1, 1).story;
    },
    'what a poll handed over before the pause is worked on': () => {
      const { story, m1 } = alone();
      story.produces(2);
      const polledTime = story.time;
      m1.works(0, 1).calls('pause', { partitions: null });
      story.wait(100);
      m1.delivers(0, [1], { sincePollMs: story.time - polledTime })
        .processes(0, 1)
        .commits(0, 2);
      return m1.calls('resume', { partitions: null }).story;
    },
    'a rebalance forgets the pause': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1)
        .commits(0, 1)
        .calls('pause', { partitions: [0] });
      story.generation([[m1, [0]]]);
      return m1.works(0, 1).commits(0, 2).story;
    },
    'a pause that failed promises nothing': () => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.calls('pause', { partitions: [0], refused: 'it does not own the partition' });
      return m1.works(0, 1).commits(0, 1).story;
    },
    'a handler call that runs when its partition is paused ends': () => {
      const { story, m1 } = alone({ groups: [{ consumeMode: 'each-batch' }] });
      story.produces(2);
      m1.delivers(0, [0, 1])
        .processes(0, 0)
        .calls('pause', { partitions: [0] })
        .processes(0, 1);
      return m1.commits(0, 2).calls('resume', { partitions: [0] }).story;
    },
    'partitions taken by hand are paused, given up and taken again': () => {
      const { story, m1, m2 } = byHand();
      story.produces(2);
      m1.works(0, 1)
        .commits(0, 1)
        .calls('pause', { partitions: [0] })
        .calls('stop')
        .calls('run')
        .assigns()
        .works(0, 1)
        .commits(0, 2);
      m2.leaves();
      return story.ends({ drain: false });
    },
    'a consumer is stopped and run again': () => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1).calls('stop').commits(0, 1).departs().calls('run');
      // Another consumer, and so another member.
      m1.memberId = 'm1.1-again';
      story.generation([[m1, [0]]]);
      return m1.works(0, 1).commits(0, 2).story;
    },
  },

  'read-committed': {
    'an aborted record is passed over': () => {
      const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
      story.produces(3);
      story.transaction(0, 1, { state: 'aborted', endedAt: story.time });
      m1.works(0, 1).stands(0, 2).works(0, 1).commits(0, 3);
      return story;
    },
    'a record is read when its transaction has been committed': () => {
      const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
      story.produces(1);
      story.transaction(0, 0, { state: 'committed', endedAt: story.time });
      m1.works(0, 1).commits(0, 1);
      return story;
    },
    'a group that reads everything': () => {
      const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_uncommitted' }] });
      story.produces(2);
      story.transaction(0, 0, { state: 'aborted', endedAt: story.time });
      m1.works(0, 2).commits(0, 2);
      return story;
    },
  },

  'exactly-once': {
    'an aborted transaction is done again': () => {
      const { story, m1 } = pipeline();
      story.produces(3);
      m1.works(0, 2).commits(0, 2);
      story.copies(0, 0).copies(0, 1).copies(0, 2, 'aborted');
      m1.works(0, 1).commits(0, 3);
      return story.copies(0, 2);
    },
    'a group that begins at the end of the log': () => {
      const { story, m1 } = pipeline({ autoOffsetReset: 'latest' });
      m1.resolves(0).commits(0, 0);
      story.produces(2);
      m1.works(0, 2).commits(0, 2);
      return story.copies(0, 0).copies(0, 1);
    },
    'records of aborted transactions are passed over': () => {
      const { story, m1 } = pipeline({ isolationLevel: 'read_committed' });
      story.produces(2);
      story.transaction(0, 0, { state: 'aborted', endedAt: story.time });
      m1.stands(0, 1).works(0, 1).commits(0, 2);
      return story.copies(0, 1);
    },
  },

  'truthful-client': {
    'a client reports what it was given': () => {
      const { story, m1, m2 } = pair();
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { byApplication: true });
      m1.leaves();
      return story.generation([[m2, [0, 1]]]);
    },
    'a commit that was refused is reported as failed': () => {
      const { story, m1, m2 } = pair();
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
    },
    'a commit whose answer never came is reported as unknown': () => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1).commits(0, 1, { told: 'unknown', byApplication: true });
      return story;
    },
    'a static member has the place of its former self': () => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      m1.crashes();
      const back = story.joins('m1');
      return story.takesPlaceOf(back, m1);
    },
  },

  convergence: {
    'a static member comes back within its session': () => {
      const { story, m1, m2 } = pair({ groups: [{ staticMembership: true }] });
      story.produces(3);
      m1.works(0, 2).commits(0, 1).crashes();
      const back = story.joins('m1');
      story.takesPlaceOf(back, m1);
      back.works(0, 2).commits(0, 3);
      m2.exits(1);
      const again = story.starts('m2');
      return story.takesPlaceOf(again, m2);
    },
    'a crashed member comes back': () => {
      const { story, m1, m2 } = pair();
      story.produces(3);
      m1.works(0, 1).commits(0, 1).crashes();
      story.wait(6_000).generation([[m2, [0, 1]]]);
      const again = story.joins('m1');
      return story.generation([
        [again, [0]],
        [m2, [1]],
      ]);
    },
    'more members than partitions': () => {
      const { story, m1, m2 } = pair();
      const m3 = story.joins('m3');
      return story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
    },
    'a supervisor starts a member again': () => {
      const story = new Story();
      const failed = story.joins('m1');
      story.emit({ process: failed.process, kind: 'application-error', call: 'connect', error: 'refused' });
      failed.exits(1);
      const m1 = story.starts('m1');
      return story.generation([[m1, [0]]]);
    },
    'one group has ended and the other goes on': () => {
      const story = new Story({ groups: [{}, {}] });
      const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
      story.generation([[m1, [0]]]).generation([[other, [0]]]);
      other.crashes();
      story.wait(6_000).empties('audit').produces(2);
      m1.works(0, 2).commits(0, 2);
      return story;
    },
  },
};

export const goodHistories: readonly { property: string; name: string; tell: () => History }[] =
  Object.entries(tellings).flatMap(([property, stories]) =>
    Object.entries(stories).map(([name, telling]) => ({ property, name, tell: () => telling().history() })),
  );
