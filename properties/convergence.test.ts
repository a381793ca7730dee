/** convergence on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { convergence } from './convergence.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(convergence);

describe('finds', () => {
  it('a live member that is not in the group', () => {
    const { story } = alone();
    story.joins('m2');
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member is not in the group | m2.1 runs and is not in generation 1 of group billing, the last one. | group-generation settled | billing m2.1",
      ]
    `);
  });

  it('a live member whose client has given up', () => {
    const { story, m1, m2 } = pair();
    m2.clientCrashes('TypeError: resolveOffset', false);
    story.generation([[m1, [0, 1]]]);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client gave up | m2.1 runs and is not in generation 2 of group billing, the last one: its client had stopped for good with TypeError: resolveOffset. | client-crashed group-generation settled | billing m2.1",
      ]
    `);
  });

  it('one whose client has given up over a commit that was refused', () => {
    const { story, m1, m2 } = pair();
    story.produces(1, { partition: 1 });
    m2.works(1, 1).commits(1, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
    m2.clientCrashes('REBALANCE_IN_PROGRESS', false);
    story.generation([[m1, [0, 1]]]);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client gave up over a commit that was refused | m2.1 runs and is not in generation 2 of group billing, the last one: its client had stopped for good with REBALANCE_IN_PROGRESS. | application-commit-end client-crashed group-generation settled | billing m2.1",
      ]
    `);
  });

  it('what ended the client, and not what became of the rest of it, up to where it is run again', () => {
    const why = (isRunAgain: boolean) => {
      const { story, m1, m2 } = pair();
      story.produces(1, { partition: 1 });
      m2.works(1, 1).commits(1, 1, { told: { refused: 'UNKNOWN_MEMBER_ID' }, byApplication: true });
      m2.clientCrashes('UNKNOWN_MEMBER_ID', false);
      if (isRunAgain) m2.calls('stop').calls('run');
      m2.clientCrashes('consumer#run must be called first', false);
      story.generation([[m1, [0, 1]]]);
      return findings(convergence, story).map((one) => one.split(' | ')[1]);
    };
    expect(why(false)).toEqual(['live member whose client gave up over a commit that was refused']);
    expect(why(true)).toEqual(['live member whose client gave up']);
  });

  it('one whose client has given up, and whose session the coordinator still waits for', () => {
    const tell = (undrained: string[]) => {
      const { story, m1 } = alone();
      m1.clientCrashes('no coordinator', false);
      return findings(convergence, story.ends({ drain: false, undrained }));
    };
    expect(tell(['group billing has not processed orders-0'])).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client gave up | m1.1 runs and does nothing in generation 1 of group billing, the last one: its client had stopped for good with no coordinator. | group-generation client-crashed settled | billing m1.1",
        "illegal | not drained at the bound | The run did not settle within its bound of 60000 ms: group billing has not processed orders-0 | settled | billing",
      ]
    `);
    expect(tell([])).toEqual([]);
  });

  it('nothing of a client that had given up before the application ran it again', () => {
    const { story, m1, m2 } = pair();
    m2.clientCrashes('no coordinator', false).calls('stop').calls('run');
    story.generation([[m1, [0, 1]]]);
    expect(findings(convergence, story).map((one) => one.split(' | ')[1])).toEqual([
      'live member is not in the group',
    ]);
  });

  it('one that has lost its place and sends none of its commits', () => {
    const signatures = (outcomes: ('ok' | 'unknown')[], isSent = false) => {
      const { story, m1, m2 } = pair();
      const { process } = m2;
      const offsets = [{ topic: 'orders', partition: 1, offset: '1' }];
      for (const [call, outcome] of outcomes.entries()) {
        story.emit({ process, kind: 'application-commit', group: 'billing', call, awaited: true, offsets });
        const error = outcome === 'ok' ? null : 'broker 2 is not known';
        story.emit({ process, kind: 'application-commit-end', group: 'billing', call, outcome, error });
      }
      story.produces(1, { partition: 1 });
      if (isSent) m2.works(1, 1).commits(1, 1);
      story.generation([[m1, [0, 1]]]);
      return findings(convergence, story.ends({ drain: false, undrained: [] })).map(
        (one) => one.split(' | ')[1],
      );
    };
    const UNSENT = 'live member has lost its place and sends none of its commits';
    expect(signatures(['ok', 'unknown', 'unknown', 'unknown'])).toEqual([UNSENT]);
    expect(signatures(['ok', 'unknown', 'unknown'])).toEqual(['live member is not in the group']);
    expect(signatures(['unknown', 'unknown', 'unknown'], true)).toEqual(['live member is not in the group']);
  });

  it('one whose client waits to start anew', () => {
    const { story, m1, m2 } = pair();
    m2.clientCrashes('HandlerFailure: no', true);
    story.generation([[m1, [0, 1]]]);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client waits to start anew | m2.1 runs and is not in generation 2 of group billing, the last one: its client had stopped with HandlerFailure: no and was to start again. | client-crashed group-generation settled | billing m2.1",
      ]
    `);
  });

  it('one that lost its place while it worked, or waited to try a failed record again', () => {
    const signatures = (outcome: 'failed' | null) => {
      const { story, m1, m2 } = pair();
      story.produces(1, { partition: 1 });
      m2.delivers(1, [0]).begins(1, 0);
      if (outcome !== null) m2.finishes(1, 0, outcome);
      story.wait(30_000).generation([[m1, [0, 1]]]);
      return findings(convergence, story).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(null)).toEqual(['live member has lost its place while its handler worked']);
    expect(signatures('failed')).toEqual([
      'live member has lost its place while it waited to try a failed record again',
    ]);
  });

  it('one that went on without a place after it had been told that it has none, and had not joined', () => {
    const signatures = (afterMs: number) => {
      const { story, m1, m2 } = pair();
      story.generation([[m1, [0, 1]]]);
      story.produces(1, { partition: 1 });
      m2.isRefused('UNKNOWN_MEMBER_ID').delivers(1, [0]);
      return findings(convergence, story.wait(afterMs).ends({ drain: false })).map(
        (one) => one.split(' | ')[1],
      );
    };
    expect(signatures(60_000)).toEqual(['live member went on without a place after its join had failed']);
    expect(signatures(0)).toEqual(['live member is not in the group']);
  });

  it('one that went on without a place after its join had failed, and not one that joins or was told', () => {
    const signatures = (then: 'reads' | 'waits' | 'is told') => {
      const { story, m1, m2 } = pair();
      story.emit({
        process: m2.process,
        kind: 'wire-join',
        group: 'billing',
        memberId: 'another',
        generation: -1,
        leaderMemberId: '',
        error: 'MEMBER_ID_REQUIRED',
      });
      story.generation([[m1, [0, 1]]]);
      story.produces(1, { partition: 1 });
      if (then !== 'waits') m2.delivers(1, [0]);
      if (then === 'is told') m2.isRefused('UNKNOWN_MEMBER_ID');
      return findings(convergence, story.ends({ drain: false })).map((one) => one.split(' | ')[1]);
    };
    expect(signatures('reads')).toEqual(['live member went on without a place after its join had failed']);
    expect(signatures('waits')).toEqual(['live member is not in the group']);
    expect(signatures('is told')).toEqual(['live member is not in the group']);
  });

  it('a client that has given up in a group that never became stable, and whether another should have', () => {
    const signatures = (members: number) => {
      const story = new Story();
      story.joins('m1').clientCrashes('no coordinator', false);
      if (members > 1) story.joins('m2');
      return findings(convergence, story).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(1)).toEqual(['live member whose client gave up']);
    expect(signatures(2)).toEqual(['live member whose client gave up', 'group never became stable']);
  });

  it('a ghost', () => {
    const { story, m1 } = pair();
    m1.crashes();
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | ghost member | The member m1.1-id of generation 1 of group billing, the last one, is m1.1, which does not run. | group-generation process-exit settled | billing m1.1",
      ]
    `);
  });

  it('two memberships of one process', () => {
    const { story, m1 } = alone();
    const history = story.history();
    const generation = history.events.find((event) => event.kind === 'group-generation');
    if (generation?.kind !== 'group-generation') throw new Error('the story has no generation');
    const [member] = generation.members;
    generation.members.push({
      ...(member as (typeof generation.members)[number]),
      memberId: 'old',
      assignment: [],
    });
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | ghost member | The member old of generation 1 of group billing, the last one, is m1.1, which has another membership there. | group-generation settled process-exit | billing m1.1",
      ]
    `);
    expect(m1.process).toBe('m1.1');
  });

  it('a member that was told to leave and did not', () => {
    const { story } = pair();
    story.act({ kind: 'leave', member: 'm2' }).wait(30_000);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | member that was told to end goes on | m2.1 was told to end (leave) and is still in generation 1 of group billing, the last one. | group-generation action settled | billing m2.1",
      ]
    `);
  });

  it('nothing where it has only just been told to leave', () => {
    const { story } = pair();
    story.act({ kind: 'leave', member: 'm2' }).wait(5_000);
    expect(findings(convergence, story)).toEqual([]);
  });

  it('a group that has lost all its members, of which one lives', () => {
    const { story, m1, m2 } = pair();
    m2.leaves();
    m1.clientCrashes('UNKNOWN_MEMBER_ID', false);
    story.empties();
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client gave up | m1.1 runs and is not in generation 2 of group billing, the last one: its client had stopped for good with UNKNOWN_MEMBER_ID. | client-crashed group-generation settled | billing m1.1",
      ]
    `);
  });

  it('a group that never becomes stable', () => {
    const story = new Story();
    story.joins('m1');
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | group never became stable | Group billing has the live members m1.1, and its coordinator never wrote a stable generation. | settled | billing",
      ]
    `);
  });

  it('a partition that nobody owns', () => {
    const story = new Story({ topics: { orders: 3 } });
    const m1 = story.joins('m1');
    story.generation([[m1, [0, 2]]]);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition without an owner at the end | Nobody owns orders/1 in generation 1 of group billing, the last one. | group-generation settled | billing orders 1",
      ]
    `);
  });

  it('what stands before offsets that compaction took', () => {
    const undrained = ['group billing has not processed orders-0 up to its end, offset 4'];
    const tell = (taken: number[]) => {
      const { story, m1 } = alone();
      story.produces(4);
      m1.works(0, 1).commits(0, 1);
      return story.compacts(taken).ends({ drain: false, undrained });
    };
    expect(findings(convergence, tell([1, 2])).map((one) => one.split(' | ')[1])).toEqual([
      'not drained: stuck where compaction took records',
    ]);
    expect(findings(convergence, tell([2])).map((one) => one.split(' | ')[1])).toEqual([
      'not drained at the bound',
    ]);
  });

  it('a member that computes without end, and what is not drained since', () => {
    const { story, m1, m2 } = pair();
    story.emit({ process: m2.process, kind: 'process-frozen' });
    story.wait(30_000).generation([[m1, [0, 1]]]);
    story.ends({
      drain: false,
      undrained: ['group billing has not processed orders-1 up to its end, offset 1'],
    });
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member whose client computes without end | m2.1 runs and is not in generation 2 of group billing, the last one: it hears nothing and does nothing any more. | process-frozen group-generation settled | billing m2.1",
        "illegal | not drained: a member computes without end | The run did not settle within its bound of 60000 ms: group billing has not processed orders-1 up to its end, offset 1 | settled | billing",
      ]
    `);
  });

  it.each([
    [['x', 'x', 'x'], 'not drained: a member aborts each transaction over the same error'],
    [['x', 'x'], 'not drained at the bound'],
    [['x', 'x', 'y'], 'not drained at the bound'],
    [['x', 'x', 'x', null], 'not drained at the bound'],
  ])('a member whose last transactions were aborted over %j', (errors, signature) => {
    const { story, m1 } = alone();
    story.produces(1);
    for (const [transaction, because] of errors.entries())
      story.emit({
        process: m1.process,
        kind: 'transaction-end',
        transaction,
        ending: 'abort',
        outcome: 'ok',
        error: null,
        ...(because === null ? {} : { because }),
      });
    const undrained = ['group billing has not processed orders-0 up to its end, offset 1'];
    const found = findings(convergence, story.ends({ drain: false, undrained }));
    expect(found.map((one) => one.split(' | ')[1])).toEqual([signature]);
    expect(found[0]?.includes('m1.1 aborted its last 3 transactions over x')).toBe(
      errors.length === 3 && !errors.includes('y'),
    );
  });

  it('what waits for a follower that has been away since, and is back', () => {
    const undrained = ['group billing has not processed orders-0 up to its end, offset 1'];
    const signatures = (broker: number) => {
      const { story, m1 } = alone();
      m1.isSentToFollower(0);
      story.during({ kind: 'restart-broker', broker }, () => story.wait(2_000));
      story.produces(1);
      return findings(convergence, story.ends({ drain: false, undrained })).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(2)).toEqual(['not drained: waits for a follower that was away']);
    expect(signatures(1)).toEqual(['not drained at the bound']);
  });

  it('what waits for a follower that its peers could not reach within the age of the metadata', () => {
    const undrained = ['group billing has not processed orders-0 up to its end, offset 1'];
    const signatures = (broker: number, metadataMaxAgeMs: number) => {
      const { story, m1 } = alone({ groups: [{ metadataMaxAgeMs }] });
      story.during({ kind: 'isolate-brokers', brokers: [1, broker] }, () => story.wait(2_000));
      story.wait(2_000);
      m1.isSentToFollower(0);
      story.produces(1);
      return findings(convergence, story.ends({ drain: false, undrained })).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(2, 300_000)).toEqual(['not drained: waits for a follower that was away']);
    expect(signatures(3, 300_000)).toEqual(['not drained at the bound']);
    expect(signatures(2, 1_000)).toEqual(['not drained at the bound']);
  });

  it('what the leader sends to a follower again and again', () => {
    const undrained = ['group billing has not processed orders-0 up to its end, offset 1'];
    const signatures = (times: number, isRead = false) => {
      const { story, m1 } = alone();
      story.produces(2);
      for (let count = 0; count < times; count += 1) m1.isSentToFollower(0);
      if (isRead) m1.works(0, 1);
      return findings(convergence, story.ends({ drain: false, undrained })).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(5)).toEqual([
      'not drained: a member is sent to a follower again and again, and does not read from it',
    ]);
    expect(signatures(4)).toEqual(['not drained at the bound']);
    expect(signatures(5, true)).toEqual(['not drained at the bound']);
  });

  it('what waits for a follower that stays dead', () => {
    const undrained = ['group billing has not processed orders-0 up to its end, offset 1'];
    const tell = (dead: number[]) => {
      const { story, m1 } = alone();
      story.scenario.settling.dead = { members: [], brokers: dead };
      m1.isSentToFollower(0);
      story.produces(1);
      return story.ends({ drain: false, undrained });
    };
    const signatures = (dead: number[]) =>
      findings(convergence, tell(dead)).map((one) => one.split(' | ')[1]);
    expect(signatures([2])).toEqual(['not drained: waits for a follower that stays dead']);
    expect(signatures([3])).toEqual(['not drained at the bound']);
  });

  it('what is not drained, unless nobody is left to drain it', () => {
    const { story } = alone({ groups: [{}, {}] });
    const other = story.joins('g2m1');
    story.generation([[other, [0]]]);
    other.crashes();
    story.wait(6_000).empties('audit');
    story.ends({
      drain: false,
      undrained: [
        'group billing has not processed orders-0 up to its end, offset 3',
        'group audit has not processed orders-0 up to its end, offset 3',
        'orders-0 has no marker yet',
      ],
    });
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | not drained at the bound | The run did not settle within its bound of 60000 ms: group billing has not processed orders-0 up to its end, offset 3 | settled | billing",
        "illegal | not drained at the bound | The run did not settle within its bound of 60000 ms: orders-0 has no marker yet | settled | ",
      ]
    `);
  });

  it('a group that is still rebalancing, or whose description differs from its record', () => {
    const told = (state: string, memberId: string | null, undrained: string[] = []) => {
      const { story } = alone();
      const fact = story.ends({ undrained }).events.find((event) => event.kind === 'fact-group');
      if (fact?.kind !== 'fact-group') throw new Error('the story has no description');
      fact.state = state;
      if (memberId !== null) (fact.members[0] as { memberId: string }).memberId = memberId;
      return findings(convergence, story);
    };
    expect(told('PreparingRebalance', null)).toMatchInlineSnapshot(`
      [
        "observed | group changed again right after it had settled | The coordinator describes group billing as PreparingRebalance right after it had settled. | group-generation fact-group | billing",
      ]
    `);
    expect(told('PreparingRebalance', null, ['group billing has nobody'])).toHaveLength(2);
    expect(told('Stable', 'somebody-else')).toMatchInlineSnapshot(`
      [
        "illegal | description of the group disagrees with its last generation | The coordinator describes group billing as somebody-else with orders/0, and its last generation 1 has m1.1-id with orders/0. | group-generation fact-group | billing",
      ]
    `);
    expect(told('STABLE', null)).toEqual([]);
  });

  it('a member that ends by itself and stays away, observed where a broker failed', () => {
    const tell = (hasFault: boolean) => {
      const { story, m1, m2 } = pair();
      if (hasFault) story.during({ kind: 'pause-broker', broker: 1 }, () => {});
      story.emit({ process: m2.process, kind: 'application-error', call: 'connect', error: 'no broker' });
      m2.exits(1);
      story.generation([[m1, [0, 1]]]);
      return findings(convergence, story);
    };
    expect(tell(false)).toMatchInlineSnapshot(`
      [
        "illegal | member ended by itself and stayed away | m2.1 ended with code 1 after connect had failed with no broker, nobody had told it to, and it was not there at the end. | application-error process-exit | billing m2.1",
      ]
    `);
    expect(tell(true)[0]).toMatch(/^observed/);
  });

  it('nothing where the run never came to its end', () => {
    const { story } = pair();
    story.joins('m3');
    const history = story.history();
    const events = history.events.filter((event) => event.kind !== 'settled');
    expect(convergence.check({ start: history.start, events })).toEqual([]);
  });

  it('a group whose only member ended by itself, and nothing else about it', () => {
    const { story, m1 } = alone();
    m1.exits(null, 'SIGSEGV');
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | member ended by itself and stayed away | m1.1 ended with SIGSEGV, nobody had told it to, and it was not there at the end. | process-exit | billing m1.1",
      ]
    `);
  });

  it('nothing where a generation came between settling and the description', () => {
    const { story, m1 } = alone();
    story.ends();
    const description = story.events.findIndex((event) => event.kind === 'fact-group');
    const generation = story.events.find((event) => event.kind === 'group-generation');
    const fact = story.events[description];
    if (fact?.kind !== 'fact-group' || generation?.kind !== 'group-generation')
      throw new Error('nothing told');
    const later = { ...structuredClone(generation), time: fact.time, logPosition: story.coordinatorPlace() };
    (later.members[0] as { memberId: string }).memberId = 'the-next';
    (fact.members[0] as { memberId: string }).memberId = 'the-next';
    const events = [...story.events.slice(0, description), later, ...story.events.slice(description)];
    const history = { start: story.history().start, events: events.map((event, seq) => ({ ...event, seq })) };
    expect(convergence.check(history)).toEqual([]);
    expect(m1.process).toBe('m1.1');
  });

  it('as observed and nothing else, a group that cannot start without a committed offset', () => {
    const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.exits(1);
    story.empties();
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "observed | group cannot start without a committed offset | Group billing has auto.offset.reset none and no usable committed offset in orders/0. | settled | billing",
      ]
    `);
  });

  it('the same, where what was committed has been deleted from the log', () => {
    const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
    story.produces(3);
    story.accepts('orders', 0, 1).deletesRecords(2);
    const m1 = story.joins('m1');
    m1.exits(1);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "observed | group cannot start without a committed offset | Group billing has auto.offset.reset none and no usable committed offset in orders/0. | settled | billing",
      ]
    `);
  });

  it('as observed, a group that shares a process with one that cannot start', () => {
    const member = (id: string) => ({ id, sharedProcess: 'shop' });
    const told = (sharedProcess: string): string[] => {
      const story = new Story({
        groups: [
          { autoOffsetReset: 'none', members: [member('m1')] },
          { members: [{ id: 'g1', sharedProcess }] },
        ],
      });
      const both = [story.joins('m1'), story.joins('g1')];
      for (const one of both) one.exits(1);
      return findings(convergence, story).filter((text) => text.includes('audit'));
    };
    expect(told('shop')).toMatchInlineSnapshot(`
      [
        "observed | group shares a process with one that cannot start | Members of group audit run in processes with members of a group that cannot start, and end with them. | settled | audit",
      ]
    `);
    expect(told('another')).toMatchInlineSnapshot(`
      [
        "illegal | member ended by itself and stayed away | g1.1 ended with code 1, nobody had told it to, and it was not there at the end. | process-exit | audit g1.1",
      ]
    `);
  });

  it('the same, where what was committed is of the log that the topic had before it was recreated', () => {
    const tell = ({ commitsFirst = true, error = 'Fetch position out of range: orders-0@1' }) => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(3);
      const recreates = () => story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
      if (!commitsFirst) recreates();
      story.accepts('orders', 0, 1);
      if (commitsFirst) recreates();
      const m1 = story.joins('m1');
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
      return m1.exits(1).story;
    };
    const observed = /^observed . group cannot start without a committed offset/;
    expect(findings(convergence, tell({}))).toEqual([expect.stringMatching(observed)]);
    const another = [expect.stringMatching(/ member ended by itself and stayed away /)];
    expect(findings(convergence, tell({ commitsFirst: false }))).toEqual(another);
    expect(findings(convergence, tell({ error: 'Fetch position out of range: orders-01@1' }))).toEqual(
      another,
    );
  });

  it('the same, where the commit was under way when the topic was deleted, and its coordinator was away until it was back', () => {
    const tell = ({ asksFirst = true }) => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(3);
      story.accepts('orders', 0, 0);
      const before = story.joins('m1');
      story.generation([[before, [0]]]);
      const { process, memberId } = before;
      const about = { process, group: 'billing', commit: 0 };
      const recreates = () => story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
      if (!asksFirst) recreates();
      const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
      story.emit({ ...about, kind: 'commit-invoke', memberId, generation: 1, offsets });
      if (asksFirst) recreates();
      story.accepts('orders', 0, 1).emit({ ...about, kind: 'commit-ok' });
      before.leaves();
      const m1 = story.joins('m1');
      const error = 'Fetch position out of range: orders-0@1';
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
      return findings(convergence, m1.exits(1).story).map((text) => text.split(' | ')[1]);
    };
    expect(tell({})).toEqual(['group cannot start without a committed offset']);
    expect(tell({ asksFirst: false })).toEqual(['member ended by itself and stayed away']);
  });

  it('the same, where a member that had come to it before commits it when the topic has been created again', () => {
    const tell = (isHandedMore: boolean) => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(3);
      story.accepts('orders', 0, 0);
      const before = story.joins('m1');
      story.generation([[before, [0]]]);
      before.works(0, 1);
      story.during({ kind: 'recreate-topic', topic: 'orders' }, () => {});
      if (isHandedMore) before.stands(0, 0).works(0, 1);
      before.commits(0, 1).leaves();
      const m1 = story.joins('m1');
      const error = 'Fetch position out of range: orders-0@1';
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
      return findings(convergence, m1.exits(1).story).map((text) => text.split(' | ')[1]);
    };
    expect(tell(false)).toEqual(['group cannot start without a committed offset']);
    expect(tell(true)).toEqual(['member ended by itself and stayed away']);
  });

  it('as observed, a partition whose offset a member has committed that had come to it in the log of before', () => {
    const tell = (isRecreated: boolean, at = 2) => {
      const { story, m1 } = alone();
      story.produces(3);
      // At 0 it has found the log's start, and has been handed nothing.
      if (at > 0) m1.works(0, at).commits(0, at);
      if (isRecreated) story.during({ kind: 'recreate-topic', topic: 'orders' }, () => {});
      m1.commits(0, at);
      return story;
    };
    const undrained = ['group billing has not processed orders-0 up to its end, offset 3'];
    const kindsOf = (story: Story) =>
      findings(convergence, story.ends({ drain: false, undrained })).map((text) =>
        text.split(' | ').slice(0, 2).join(' | '),
      );
    for (const at of [2, 0]) {
      expect(kindsOf(tell(true, at))).toEqual([
        'observed | not drained: waits for a leader of an epoch that the deleted topic had',
      ]);
      expect(kindsOf(tell(false, at))).toEqual(['illegal | not drained at the bound']);
    }
  });

  it('the same, where what was committed lay beyond the end of the log until nobody was left to start', () => {
    const tell = ({ committed = 3, first = 1, error = 'Fetch position out of range: orders-0@3' }) => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(first);
      story.accepts('orders', 0, committed);
      const m1 = story.joins('m1');
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
      m1.exits(1);
      // On its way out it commits its position.
      story.accepts('orders', 0, committed);
      story.produces(1);
      story.produces(3);
      return findings(convergence, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell({})).toEqual(['group cannot start without a committed offset']);
    expect(tell({ first: 3 })).toEqual(['member ended by itself and stayed away']);
    expect(tell({ error: 'no records' })).toEqual(['member ended by itself and stayed away']);
  });

  it('a member that ended by itself where the group could have started', () => {
    const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
    story.accepts('orders', 0, 0);
    story.joins('m1').exits(1);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | member ended by itself and stayed away | m1.1 ended with code 1, nobody had told it to, and it was not there at the end. | process-exit | billing m1.1",
      ]
    `);
  });

  it('of a process that ended by itself only the member that had failed', () => {
    const members = ['m1', 'm2'].map((id) => ({ id, sharedProcess: 'shop' }));
    const story = new Story({ groups: [{ members }] });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation([[m1, [0]]]);
    story.emit({ process: m2.process, kind: 'application-error', call: 'poll', error: 'no offset' });
    for (const one of [m1, m2]) one.exits(1);
    story.empties();
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | member ended by itself and stayed away | m2.1 ended with code 1 after poll had failed with no offset, nobody had told it to, and it was not there at the end. | application-error process-exit | billing m2.1",
      ]
    `);
  });

  it('a static member whose place nobody has taken', () => {
    const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
    m1.crashes();
    story.joins('m1');
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | live member is not in the group | m1.2 runs and is not in generation 1 of group billing, the last one. | group-generation settled | billing m1.2",
        "illegal | ghost member | The member m1.1-id of generation 1 of group billing, the last one, is m1.1, which does not run. | group-generation process-exit settled | billing m1.1",
      ]
    `);
  });

  it('as observed and nothing else, a static member that died while the coordinator was writing that it was back', () => {
    const tell = ({ isBroken = true, writesAfterMs = 8_000, isTold = false, staticMembership = true }) => {
      const { story, m1 } = pair({ groups: [{ staticMembership }] });
      m1.crashes();
      const back = story.joins('m1');
      const comesAndGoes = () => {
        story.wait(writesAfterMs);
        if (isTold) back.isJoining();
        back.crashes();
        story.takesPlaceOf(back, m1, { isUnaware: true });
      };
      if (isBroken) story.during({ kind: 'pause-broker', broker: 1 }, comesAndGoes);
      else comesAndGoes();
      // Nobody was told that it has the place.
      if (!isTold)
        story.events.splice(
          story.events.findLastIndex(({ kind }) => kind === 'wire-join'),
          1,
        );
      for (const [seq, event] of story.events.entries()) Object.assign(event, { seq });
      story.wait(20_000).ends({ undrained: ['group billing has not processed orders-0 up to its end'] });
      return findings(convergence, story);
    };
    expect(tell({})).toMatchInlineSnapshot(`
      [
        "observed | static member that died while its return was written is counted on for good | Group billing counts on m1, which died while the coordinator was writing that it was back. | group-generation settled | billing",
      ]
    `);
    const ghost = expect.stringContaining('illegal | ghost member |');
    for (const told of [
      { isBroken: false },
      { writesAfterMs: 1_000 },
      { isTold: true },
      { staticMembership: false },
    ])
      expect(tell(told)).toContainEqual(ghost);
  });

  it('as observed, partitions that were added while the static leader was away', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.crashes();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.takesPlaceOf(story.joins('m1'), m1);
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "observed | partition added while the static leader was away | Nobody owns orders/1 in generation 1 of group billing, the last one. | group-generation settled | billing orders 1",
        "observed | partition added while the static leader was away | The run did not settle within its bound of 60000 ms: orders-1 has no owner in group billing | settled | billing",
      ]
    `);
  });

  it('as observed, partitions that were added before the static leader that is back was told of its topics', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.crashes();
    const back = story.joins('m1');
    story.takesPlaceOf(back, m1, { isUnaware: true });
    story.wait(3_000).act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    back.hears();
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(convergence, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'partition added while the static leader was away'],
      ['observed', 'partition added while the static leader was away'],
    ]);
  });

  it('as observed, a topic that was created again while the static leader was away', () => {
    const tell = (isAway: boolean) => {
      const story = new Story({ groups: [{ staticMembership: true }] });
      const m1 = story.joins('m1');
      // The leader finds the topic deleted.
      story.during({ kind: 'recreate-topic', topic: 'orders' }, () => {
        story.wait(500).generation([[m1, []]]);
        if (isAway) m1.crashes();
        story.wait(1_500);
      });
      if (isAway) story.takesPlaceOf(story.joins('m1'), m1);
      return story.wait(20_000).ends({ undrained: ['orders-0 has no owner in group billing'] });
    };
    expect(findings(convergence, tell(true))).toMatchInlineSnapshot(`
      [
        "observed | partition added while the static leader was away | Nobody owns orders/0 in generation 1 of group billing, the last one. | group-generation settled | billing orders 0",
        "observed | partition added while the static leader was away | The run did not settle within its bound of 60000 ms: orders-0 has no owner in group billing | settled | billing",
      ]
    `);
    expect(findings(convergence, tell(false)).map((one) => one.split(' ')[0])).toEqual([
      'illegal',
      'illegal',
    ]);
  });

  it('as observed, the same where its pattern had found nothing then, and does when it is back', () => {
    const tell = (isAway: boolean) => {
      const story = new Story({ groups: [{ staticMembership: true, subscription: 'pattern' }] });
      const m1 = story.joins('m1');
      story.during({ kind: 'recreate-topic', topic: 'orders' }, () => {
        story.wait(500).generation([[m1, []]]);
        for (const event of story.events)
          if (event.kind === 'group-generation') for (const member of event.members) member.subscription = [];
        if (isAway) m1.crashes();
        story.wait(1_500);
      });
      if (isAway) story.takesPlaceOf(story.joins('m1'), m1);
      story.wait(20_000).ends({ undrained: ['orders-0 has no owner in group billing'] });
      return findings(convergence, story).map((one) => one.split(' | ').slice(0, 2));
    };
    // That it has no owner, and that it is not drained.
    const observed = ['observed', 'partition added while the static leader was away'];
    expect(tell(true)).toEqual([observed, observed]);
    expect(tell(false)).toEqual([['illegal', 'not drained at the bound']]);
  });

  it('as illegal, partitions that were added when the static leader was back', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.crashes();
    story.takesPlaceOf(story.joins('m1'), m1);
    story.wait(1_000).act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition without an owner at the end | Nobody owns orders/1 in generation 1 of group billing, the last one. | group-generation settled | billing orders 1",
        "illegal | not drained at the bound | The run did not settle within its bound of 60000 ms: orders-1 has no owner in group billing | settled | billing",
      ]
    `);
  });
});

describe('a member with a twin', () => {
  /** The second process takes the place of the first, which ends or not. */
  const twins = (isFenced: boolean) => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    const twin = story.starts('m1');
    story.takesPlaceOf(twin, m1);
    if (isFenced) m1.isRefused('FENCED_INSTANCE_ID').exits(1);
    return story;
  };

  it('whose first process is fenced has recovered', () => {
    expect(findings(convergence, twins(true))).toEqual([]);
  });

  it('whose first process runs on is in contention, which is observed', () => {
    expect(findings(convergence, twins(false)).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'two processes contend for one group.instance.id'],
    ]);
  });
});
