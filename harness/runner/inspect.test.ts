/** A look into a run: it changes nothing of it, sees every message, and the state is that of the event. */
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectionSchema, renderHappening, renderState } from '../../reports/inspection.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { EventOf, HistoryEvent } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { WireMessage } from '../world/simulated/message-tap.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { type Inspected, inspect, stateAt } from './inspect.ts';

const scenario = generateScenario(3, 1, 'default');
const subject = { client: 'kafkajs', mutant: null };
const { signal } = new AbortController();
const options = { scenario, subject, messages: true, signal };

let inspected: Inspected;
let messages: WireMessage[];
beforeAll(async () => {
  inspected = await inspect(options);
  messages = inspected.happenings.flatMap((one) => ('message' in one ? [one.message] : []));
});

const first = <K extends HistoryEvent['kind']>(
  kind: K,
  where: (event: EventOf<K>) => boolean = () => true,
): EventOf<K> => {
  const found = inspected.history.events.find(
    (event): event is EventOf<K> => event.kind === kind && where(event as EventOf<K>),
  );
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
};
const stateOf = async (event: HistoryEvent) =>
  await stateAt(options, inspected.arrivals[event.seq] as number);

describe('inspect', () => {
  it('leaves the run as it is', async () => {
    const recorder = new HistoryRecorder();
    await new SimulatedWorld().run(scenario, subject, recorder);
    expect(inspected.history).toEqual(recorder.finishHistory());
    expect(inspected.failure).toBeNull();
  });

  it('puts all events, in order, and the messages at their times into one row', () => {
    const seqs = inspected.happenings.flatMap((one) => ('event' in one ? [one.event.seq] : []));
    expect(seqs).toEqual(inspected.history.events.map((_, index) => index));
    const times = messages.map(({ time }) => time);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(messages.length).toBeGreaterThan(500);
  });

  it('has the request of every answer before it, by connection and correlation id', () => {
    const open = new Map<string, number>();
    const unasked: string[] = [];
    for (const { direction, process, broker, api, version, correlationId } of messages) {
      const key = `${process} ${broker} ${api} ${version} ${correlationId}`;
      const count = open.get(key) ?? 0;
      open.set(key, count + (direction === 'request' ? 1 : -1));
      if (direction === 'answer' && count === 0) unasked.push(key);
    }
    expect(unasked).toEqual([]);
    expect(messages.every(({ body }) => body !== null)).toBe(true);
  });

  it('shows the commit of the history among the messages, before its outcome', () => {
    const invoked = first('commit-invoke');
    const [{ topic, offset } = { topic: '', offset: '' }] = invoked.offsets;
    const row = inspected.happenings.map((one) => {
      if ('event' in one) return one.event.kind === 'commit-accepted' ? 'accepted' : '';
      const { api, direction, process } = one.message;
      if (api !== 'OffsetCommit' || process !== invoked.process) return '';
      const text = JSON.stringify(one.message.body);
      if (direction === 'request')
        return text.includes(`"${topic}"`) && text.includes(`"committedOffset":"${offset}"`) ? 'asked' : '';
      return text.includes('"errorCode":"NONE"') ? 'answered' : '';
    });
    expect(row.indexOf('asked')).toBeGreaterThan(0);
    expect(row.indexOf('accepted')).toBeGreaterThan(row.indexOf('asked'));
    expect(row.indexOf('answered')).toBeGreaterThan(row.indexOf('asked'));
  });
});

describe('stateAt', () => {
  it('has the group, the offsets and the logs as the history says they were', async () => {
    const generation = first('group-generation', ({ state, time }) => state === 'stable' && time > 3_000);
    const state = await stateOf(generation);
    expect(state.time).toBe(generation.time);
    const group = state.groups.find((one) => one.group === generation.group);
    expect(group).toMatchObject({
      state: 'Stable',
      generation: generation.generation,
      protocol: generation.protocol,
      leaderMemberId: generation.leaderMemberId,
    });
    const assigned = (members: readonly { memberId: string; assignment: unknown }[]) =>
      new Map(members.map(({ memberId, assignment }) => [memberId, assignment]));
    expect(assigned(group?.members ?? [])).toEqual(assigned(generation.members));
    const committed = new Map<string, string>();
    for (const event of inspected.history.events.slice(0, generation.seq + 1))
      if (event.kind === 'commit-accepted') committed.set(`${event.topic}-${event.partition}`, event.offset);
    expect(committed.size).toBeGreaterThan(0);
    expect(
      new Map(group?.committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset])),
    ).toEqual(committed);
    const live = inspected.history.events.slice(0, generation.seq + 1).reduce((names, event) => {
      if (event.kind === 'process-start') names.add(event.process);
      if (event.kind === 'process-exit') names.delete(event.process);
      return names;
    }, new Set<string>());
    expect(new Set(state.processes.flatMap((one) => (one.state === 'running' ? [one.process] : [])))).toEqual(
      live,
    );
    for (const { logEndOffset } of state.logs) expect(Number(logEndOffset)).toBeGreaterThan(0);
  });

  it('has the requests that wait for the rebalance', async () => {
    const rejoined = first('wire-join', ({ error }) => error === 'MEMBER_ID_REQUIRED');
    const later = inspected.history.events.find(
      ({ seq, time }) => seq > rejoined.seq && time > rejoined.time + 20,
    );
    const state = await stateOf(later as HistoryEvent);
    const waiting = state.groups.flatMap(({ members }) =>
      members.filter(({ waitsFor }) => waitsFor === 'JoinGroup'),
    );
    expect(waiting.map(({ clientId }) => clientId)).toContain(rejoined.process);
    expect(state.unanswered).toContainEqual(
      expect.objectContaining({ process: rejoined.process, api: 'JoinGroup' }),
    );
    expect(state.connections.find(({ process }) => rejoined.process.startsWith(`${process}.`))?.open).toBe(1);
    expect(state.pending.map(({ owner }) => owner)).toContain('broker-1');
  });

  it('is had of the first event and of the last', async () => {
    const begin = await stateOf(inspected.history.start);
    expect(begin).toMatchObject({ time: 0, connections: [], unanswered: [] });
    expect(begin.groups.map(({ state, committed }) => [state, committed])).toEqual(
      scenario.groups.map(() => ['Dead', []]),
    );
    const end = await stateOf(inspected.history.events.at(-1) as HistoryEvent);
    expect(end.processes.every(({ state }) => state === 'ended')).toBe(true);
    expect(end.unanswered).toEqual([]);
    const logs = new Map(
      inspected.history.events.flatMap((event) =>
        event.kind === 'fact-log' ? [[`${event.topic}-${event.partition}`, event.logEndOffset]] : [],
      ),
    );
    expect(new Map(end.logs.map((log) => [`${log.topic}-${log.partition}`, log.highWatermark]))).toEqual(
      logs,
    );
  });
});

describe('what is shown of it', () => {
  it('is one whole line for each happening, and a document that the schema knows', async () => {
    for (const happening of inspected.happenings)
      expect(renderHappening(happening, scenario)).toMatch(/^ +-?\d+\.\d{6} s {2}.*\n$/);
    const [request] = messages.filter(({ api }) => api === 'JoinGroup');
    expect(renderHappening({ message: request as WireMessage }, scenario)).toMatch(
      /s {2}[\w-]+\.1 -> broker 1 {2}JoinGroup v5 #\d+ \{groupId=billing .*memberId="" .*metadata=\{topics=\[orders\]/,
    );
    const event = first('group-generation', ({ state }) => state === 'stable');
    const state = await stateOf(event);
    const text = renderState(state, event.seq, 'a generation');
    expect(text).toMatch(
      /^\nState at \d+\.\d{6} s, after event \d+: a generation\n\nGroups\n {2}billing: Stable/,
    );
    expect(
      inspectionSchema.parse({
        schema: 1,
        command: 'replay',
        world: 'simulated',
        client: { name: 'kafkajs', version: '2.2.4' },
        mutant: null,
        scenario: { name: scenario.name, seed: scenario.seed },
        until: { asked: 'group-generation', seq: event.seq },
        happenings: inspected.happenings,
        state,
      }).state,
    ).toEqual(state);
  });
});
