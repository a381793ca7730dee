/** The evidence that checkers stand on: what is indexed how, on histories that are hard to index. */
import { describe, expect, it } from 'vitest';
import type { History } from '../../harness/history/schema.ts';
import { alone, pair } from '../testing/good-histories.ts';
import { Story } from '../testing/history-builder.ts';
import { CountingTree } from './counting-tree.ts';
import { entriesOf, evidenceOf, hadToDrain, liveMembers } from './evidence.ts';
import { isNextRecord, partitionCountsAt } from './logs.ts';
import { committedAt } from './resume.ts';
import { count, describeOffsets, nameOffsets, partitionOf, toOffset } from './values.ts';

const groupOf = (history: History) => {
  const [group] = evidenceOf(history).groups;
  if (group === undefined) throw new Error('the history has no group');
  return group;
};

describe('values', () => {
  it('reads offsets, and only safe ones', () => {
    expect(toOffset('42')).toBe(42);
    expect(() => toOffset('9007199254740993')).toThrow('offset 9007199254740993 is not a safe integer');
  });

  it('words offsets and counts', () => {
    expect(describeOffsets([3])).toBe('3');
    expect(describeOffsets([3, 4])).toBe('3 and 4');
    expect(describeOffsets([1, 3, 4, 5, 9])).toBe('1, 3 to 5 and 9');
    expect(describeOffsets([1, 3, 5, 7, 9, 11, 13])).toBe('1, 3, 5, 7, 9 and 2 further ranges');
    expect(nameOffsets([7])).toBe('offset 7');
    expect(count(1, 'record')).toBe('1 record');
    expect(partitionOf('orders/12')).toEqual({ topic: 'orders', partition: 12 });
  });

  it('counts in a growing set', () => {
    const tree = new CountingTree([2, 3, 5, 8, 13]);
    for (const offset of [3, 13, 3, 8]) tree.add(offset);
    expect(tree.count(0, Number.POSITIVE_INFINITY)).toBe(3);
    expect(tree.count(3, 8)).toBe(1);
    expect(tree.count(4, 9)).toBe(1);
    expect(tree.count(9, 4)).toBe(0);
  });
});

describe('evidence', () => {
  it('is indexed once for each history', () => {
    const history = alone().story.history();
    expect(evidenceOf(history)).toBe(evidenceOf(history));
    expect(evidenceOf({ ...history })).not.toBe(evidenceOf(history));
  });

  it('refuses what no scenario can have', () => {
    const broken = (change: (story: Story) => void): string => {
      const { story } = alone();
      change(story);
      try {
        evidenceOf(story.history());
      } catch (error) {
        return (error as Error).message;
      }
      return 'nothing';
    };
    const about = { topic: 'orders', partition: 0 };
    expect(
      broken((story) =>
        story.emit({ process: 'm9.1', kind: 'delivery', group: 'billing', ...about, offsets: ['0'] }),
      ),
    ).toMatch(/is of process 'm9.1', which never started/);
    expect(
      broken((story) =>
        story.emit({ process: 'm1.1', kind: 'delivery', group: 'strangers', ...about, offsets: ['0'] }),
      ),
    ).toBe("the history names group 'strangers', which its scenario does not have");
    expect(
      broken((story) =>
        story.emit({
          process: 'harness',
          kind: 'action',
          action: 99,
          actionKind: 'join',
          phase: 'begin',
          outcome: 'applied',
          reason: null,
        }),
      ),
    ).toBe('the history names action 99, which its scenario does not have');
    expect(
      broken((story) => {
        const generation = story.events.find((event) => event.kind === 'group-generation');
        if (generation?.kind === 'group-generation')
          story.events.push({ ...generation, logPosition: { partition: 7, offset: '9' } });
      }),
    ).toBe("the records of group 'billing' lie in several coordinator partitions");
  });

  it('takes a removed group as the removal of its offsets, once', () => {
    const { story, m1 } = alone({ topics: { orders: 2 } }, [0, 1]);
    story.produces(2);
    story.produces(2, { partition: 1 });
    m1.works(0, 1).commits(0, 1).works(1, 1).commits(1, 1).leaves();
    story.empties().deletesOffsets();
    m1.commits(1, 2, { generation: -1 });
    story.coordinatorEvent({
      process: 'coordinator',
      kind: 'group-removed',
      group: 'billing',
      logPosition: story.coordinatorPlace(),
    });
    const kinds = (key: string) => entriesOf(groupOf(story.history()), key).map(({ kind }) => kind);
    expect(kinds('orders/0')).toEqual(['commit', 'removed']);
    expect(kinds('orders/1')).toEqual(['commit', 'removed', 'commit', 'removed']);
  });

  it('matches requests of one value to the entries of their own generations', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    m1.works(0, 2);
    // The first request never arrived; the entry is the second member's.
    m1.commits(0, 2, { told: 'silence', written: false });
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 2).commits(0, 2);
    const [entry] = entriesOf(groupOf(story.history()), 'orders/0');
    expect(entry?.request?.process).toBe('m2.1');
  });

  it('matches what transactions commit without a name in the order of the coordinator, whatever the generation is', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    const commits = (process: string, commit: number): void => {
      const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
      const about = { process, group: 'billing', commit };
      const nobody = { memberId: '', generation: -1, transactional: true } as const;
      story.emit({ ...about, ...nobody, kind: 'commit-invoke', offsets });
      story.emit({ ...about, kind: 'commit-ok' });
      story.accepts('orders', 0, 1);
    };
    m1.works(0, 1);
    commits(m1.process, 0);
    // Without a member, a generation asks for no name either.
    story.wait(1_000).empties();
    commits(m2.process, 0);
    const entries = entriesOf(groupOf(story.history()), 'orders/0');
    expect(entries.slice(0, 2).map(({ request }) => request?.process)).toEqual(['m1.1', 'm2.1']);
  });

  it('matches nothing to what an aborted transaction had asked for', () => {
    const tell = (ending: 'commit' | 'abort', outcome: 'ok' | 'unknown') => {
      const { story, m1, m2 } = pair();
      story.produces(1);
      const asks = ({ process, memberId }: typeof m1): void => {
        const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
        const about = { process, group: 'billing', commit: 0 };
        const who = { memberId, generation: 1, transactional: true } as const;
        story.emit({ ...about, ...who, kind: 'commit-invoke', offsets });
        story.emit({ ...about, kind: 'commit-ok' });
      };
      asks(m1);
      const end = { kind: 'transaction-end', transaction: 0, ending, outcome, error: null } as const;
      story.emit({ process: m1.process, ...end });
      asks(m2);
      story.accepts('orders', 0, 1);
      return entriesOf(groupOf(story.history()), 'orders/0')[0]?.request?.process;
    };
    expect(tell('abort', 'ok')).toBe('m2.1');
    expect(tell('abort', 'unknown')).toBe('m1.1');
    expect(tell('commit', 'ok')).toBe('m1.1');
  });

  it('serves confirmed requests before unknown ones', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 2, { told: 'unknown', written: false }).commits(0, 2);
    const { commits } = groupOf(story.history());
    const [entry] = commits.entries.get('orders/0') ?? [];
    expect(commits.requests.slice(0, 2).map((request) => [request.outcome, request.entry === entry])).toEqual(
      [
        ['unknown', false],
        ['ok', true],
      ],
    );
  });

  it('knows for certain what came before the generation, and what the member itself was told', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 2).commits(0, 2);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 1).commits(0, 3).works(0, 1).commits(0, 4, { told: 'unknown' });
    const now = story.events.length;
    const group = groupOf(story.history());
    const states = (process: string, seq: number) => {
      const { certain, possible } = committedAt(
        group,
        'orders/0',
        process,
        group.generations[1] ?? null,
        seq,
        story.time,
      );
      return [certain.offset, ...possible.map(({ offset }) => offset)];
    };
    expect(states('m2.1', now)).toEqual([3, 4]);
    // To another member all that came after the generation is possible and nothing of it certain.
    expect(states('m1.1', now).slice(0, 3)).toEqual([2, 3, 4]);
  });

  it('passes over records that no client delivers, and over deleted ones', () => {
    const { story, m1 } = alone();
    story.produces(1);
    story.log('orders', 0).records.push(null);
    story.produces(1);
    m1.works(0, 1).stands(0, 2).works(0, 1).commits(0, 3);
    const log = evidenceOf(story.history()).logs.get('orders/0');
    expect(log?.offsets).toEqual([0, 2, 3]);
    expect(isNextRecord(log, 1, 2)).toBe(true);
    expect(isNextRecord(log, 0, 2)).toBe(false);
    expect(isNextRecord(log, 3, 2)).toBe(false);
    expect(isNextRecord(undefined, 0, 9)).toBe(true);
  });

  it('counts partitions as of a time', () => {
    const { story } = alone();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
    const { scenario, actions } = evidenceOf(story.history());
    const added = actions.find(({ action }) => action.kind === 'add-partitions')?.fromTime ?? 0;
    const at = (time: number, topic = 'orders') => partitionCountsAt(scenario, actions, topic, time, 1_000);
    expect(at(added - 100)).toEqual([1]);
    expect(at(added + 100)).toEqual([1, 3]);
    expect(at(added + 1_001)).toEqual([3]);
    expect(at(added, 'payments')).toBeNull();
  });

  it('counts the larger of two additions that were under way at once, and the later of two that were not', () => {
    const { story } = alone();
    const { scenario } = evidenceOf(story.history());
    const add = (partitions: number, fromTime: number, toTime: number) => {
      const action = { kind: 'add-partitions', atMs: fromTime, topic: 'orders', partitions } as const;
      return { action, index: 0, seq: fromTime, fromTime, toTime, isCertain: true, detail: {} };
    };
    const at = (time: number, ...actions: ReturnType<typeof add>[]) =>
      partitionCountsAt(scenario, actions, 'orders', time, 1_000);
    expect(at(9_000, add(14, 100, 5_000), add(12, 200, 5_000))).toEqual([14]);
    expect(at(5_500, add(14, 100, 5_000), add(12, 200, 5_000))).toEqual([1, 12, 14]);
    expect(at(9_000, add(14, 100, 150), add(12, 200, 5_000))).toEqual([12]);
    expect(at(9_000, add(12, 100, 150), add(14, 200, 5_000))).toEqual([14]);
  });

  it('leaves out actions that were skipped', () => {
    const { story } = alone();
    story.act({ kind: 'crash', member: 'm1' });
    const action = story.events.at(-1);
    if (action?.kind === 'action') action.outcome = 'skipped';
    const history = story.history();
    expect(evidenceOf(history).actions.map(({ action: one }) => one.kind)).toEqual(['join']);
    expect(evidenceOf(history).processes.get('m1.1')?.order).toBeNull();
  });

  it('gives an action to the incarnation that it hit', () => {
    const story = new Story();
    const first = story.joins('m1');
    first.crashes();
    const second = story.joins('m1');
    story.generation([[second, [0]]]);
    second.stalls(() => story.wait(100));
    const { processes } = evidenceOf(story.history());
    expect(processes.get('m1.1')).toMatchObject({ order: { kind: 'crash' }, stalls: [] });
    expect(processes.get('m1.2')).toMatchObject({ order: null, stalls: [{}] });
  });

  it('gives an action on a process to all that run in it, and to nobody else', () => {
    const shared = (id: string) => ({ id, sharedProcess: 'shop' });
    const story = new Story({ groups: [{ members: [shared('m1'), shared('m2'), { id: 'm3' }] }] });
    const [m1] = [story.joins('m1'), story.joins('m2'), story.joins('m3')];
    m1.stalls(() => story.wait(100));
    m1.crashes();
    const { processes } = evidenceOf(story.history());
    for (const process of ['m1.1', 'm2.1'])
      expect(processes.get(process)).toMatchObject({ order: { kind: 'crash' }, stalls: [{}] });
    expect(processes.get('m3.1')).toMatchObject({ order: null, stalls: [] });
  });

  it('gives a stall to a twin and the one before it only where they share a process', () => {
    const tell = (sharedProcess: string | undefined) => {
      const story = new Story({ groups: [{ members: [{ id: 'm1', sharedProcess }] }] });
      const m1 = story.joins('m1');
      const twin = story.starts('m1');
      const start = story.events.at(-1);
      if (start?.kind === 'process-start' && sharedProcess !== undefined)
        start.sharedProcess = `${sharedProcess}.1`;
      twin.stalls(() => story.wait(100));
      const { processes } = evidenceOf(story.history());
      return [m1, twin].map(({ process }) => processes.get(process)?.stalls.length);
    };
    expect(tell('shop')).toEqual([1, 1]);
    expect(tell(undefined)).toEqual([0, 1]);
  });

  it('tells members that share a client id apart by their member ids, or as the world has named them', () => {
    const told = (wire: boolean): (string | undefined)[] => {
      const { story, m1, m2 } = pair({ wire });
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      const history = story.history();
      for (const event of history.events)
        if (event.kind === 'group-generation')
          for (const member of event.members) {
            if (!wire) member.process = member.clientId;
            member.clientId = 'shop.1';
          }
      return groupOf(history).generations.flatMap(({ members }) => members.map(({ clientId }) => clientId));
    };
    expect(told(true)).toEqual(expect.arrayContaining(['m1.1', 'm2.1']));
    expect(told(true)).not.toContain('shop.1');
    expect(told(false)).not.toContain('shop.1');
  });

  it('takes joins from the wire, else from what the client says, else from the coordinator', () => {
    const joins = (wire: boolean, hasClaims: boolean) => {
      const { story, m1 } = alone({ wire });
      story.generation([[m1, [0]]]);
      const { start, events } = story.history();
      const kept = events.filter((event) => hasClaims || event.kind !== 'client-joined');
      const { positions } = evidenceOf({ start, events: kept });
      return (positions.joins.get('m1.1') ?? []).map(({ seq, generation }) => [
        kept.find((event) => event.seq === seq)?.kind,
        generation?.generation,
      ]);
    };
    expect(joins(true, true)).toEqual([
      ['wire-sync', 1],
      ['wire-sync', 2],
    ]);
    expect(joins(false, true)).toEqual([
      ['client-joined', 1],
      ['client-joined', 2],
    ]);
    expect(joins(false, false)).toEqual([
      ['group-generation', 1],
      ['group-generation', 2],
    ]);
  });

  it('cuts what a member was given into stretches', () => {
    const { story, m1, m2 } = pair();
    story.produces(9);
    m1.works(0, 2).delivers(0, [2, 3]).processes(0, 2, 'failed').stands(0, 2).works(0, 1).commits(0, 3);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.works(0, 1);
    story.deletesRecords(7);
    m2.findsOutOfRange(0).works(0, 1).commits(0, 8);
    const stretches = groupOf(story.history()).consumption.get('orders/0')?.stretches ?? [];
    expect(
      stretches.map(({ process, opening, first, last }) => `${process} ${opening} ${first}-${last}`),
    ).toEqual(['m1.1 join 0-3', 'm1.1 back 2-2', 'm2.1 join 3-3', 'm2.1 reset 7-9']);
  });

  it('knows who has to drain a group', () => {
    const { story, m1, m2 } = pair();
    story.act({ kind: 'leave', member: 'm2' });
    m1.exits(1);
    const again = story.starts('m1');
    story.generation([
      [again, [0]],
      [m2, [1]],
    ]);
    const history = story.history();
    const evidence = evidenceOf(history);
    expect(liveMembers(evidence, groupOf(history)).map(({ process }) => process)).toEqual(['m1.2']);
    expect(hadToDrain(evidence, groupOf(history))).toBe(true);
    const empty = new Story();
    empty.joins('m1');
    expect(hadToDrain(evidenceOf(empty.history()), groupOf(empty.history()))).toBe(false);
  });
});
