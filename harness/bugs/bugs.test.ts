/** The catalogue of known bugs: each shows in the versions that have it, and nowhere else. */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import type { JudgedAnomaly, Verdict } from '../../properties/property.ts';
import { parseKnownBug } from '../../scenarios/known-bugs/known-bug.ts';
import { UsageError } from '../errors.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { hasBug, knownIssues } from './known-issues.ts';
import { findBug, loadKnownBugs } from './load.ts';
import { runBug } from './run.ts';

const bugs = await loadKnownBugs();
const bug = (id: string) => findBug(bugs, id);
const { signal } = new AbortController();

describe('each known bug', () => {
  it.each(bugs.map((one) => [one.id, one] as const))(
    '%s shows in what has it, and nowhere else',
    async (_, one) => {
      // One of them computes without end, in each version of kafkajs.
      const world = new SimulatedWorld({ endlessAfterMs: 3_000 });
      const seen = new Set<boolean>();
      for (const client of ['kafkajs', 'kafkajs@2.0.0', 'kafkajs@2.0.2', 'reference']) {
        const run = await runBug(one, client, world, signal);
        if (run === null) continue;
        expect({ client, shown: run.shown }).toEqual({ client, shown: run.expected });
        expect(run.verdict.unknown).toEqual([]);
        seen.add(run.expected);
      }
      // A bug that everybody has, or nobody, would prove nothing.
      expect(seen.size).toBe(2);
    },
  );

  it('trips properties that there are, and says where it is reported', () => {
    const ids = new Set(catalogue.map(({ id }) => id));
    for (const { bug: one } of bugs)
      for (const { property } of [...one.trips, ...(one.consequences ?? [])]) expect(ids).toContain(property);
    const reported = bugs.flatMap(({ bug: one }) => (one.issue === null ? [] : [one.issue]));
    for (const issue of reported)
      expect(issue).toMatch(/^https:\/\/github\.com\/tulios\/kafkajs\/(issues|pull)\/\d+$/);
  });
});

const anomaly = (property: string, signature: string, message = 'x'): JudgedAnomaly => ({
  property,
  signature,
  message,
  policy: 'illegal',
  events: [0],
  subject: {},
});
const verdictOf = (...anomalies: JudgedAnomaly[]): Verdict => ({
  outcome: 'invalid',
  anomalies,
  unknown: [],
  properties: [],
  ledger: [],
});
const lost = anomaly('at-least-once', 'lost: latest was resolved again before the first commit');
const stuck = anomaly('convergence', 'not drained at the bound');
const gaveUp = (message: string) => anomaly('convergence', 'live member whose client gave up', message);

describe('knownIssues', () => {
  const known = knownIssues(bugs, { name: 'kafkajs', version: '2.2.4' });

  it('names a bug by its signature, with its link', () => {
    expect(known(lost, verdictOf(lost))).toBe('kafkajs-1453 (https://github.com/tulios/kafkajs/issues/1453)');
  });

  it('tells two bugs with one signature apart by the message, and both from a third', () => {
    const refused = anomaly('convergence', 'live member whose client gave up over a commit that was refused');
    const nowhere = gaveUp('KafkaJSGroupCoordinatorNotFound: Failed to find group coordinator');
    const type = gaveUp('TypeError: Cannot set properties of undefined');
    const other = gaveUp('RangeError: something new');
    expect(known(refused, verdictOf(refused))).toMatch(/^kafkajs-1712 /);
    expect(known(nowhere, verdictOf(nowhere))).toMatch(/^kafkajs-1445 /);
    expect(known(type, verdictOf(type))).toMatch(/^kafkajs-1366 /);
    expect(known(other, verdictOf(other))).toBeNull();
  });

  it('tells two bugs apart that cost a member its place, and both from a third', () => {
    const expired = (at: string) => anomaly('no-spurious-rebalance', `member lost its place ${at}`);
    const nameOf = (one: JudgedAnomaly) => known(one, verdictOf(one));
    expect(nameOf(expired('while its handler worked'))).toMatch(/^kafkajs-1277 /);
    expect(nameOf(expired('while it waited to try a failed record again'))).toMatch(/^kafkajs-1415 /);
    expect(nameOf(expired('without a cause'))).toBeNull();
  });

  it('knows a consequence only beside its cause', () => {
    const type = gaveUp('TypeError: Cannot set properties of undefined');
    expect(known(stuck, verdictOf(stuck))).toBeNull();
    expect(known(stuck, verdictOf(type, stuck))).toMatch(/^kafkajs-1366 /);
  });

  it('knows what tells of its cause by itself, and what follows from that', () => {
    const absent = anomaly('convergence', 'live member has lost its place while its handler worked');
    expect(known(absent, verdictOf(absent))).toMatch(/^kafkajs-1277 /);
    expect(known(stuck, verdictOf(absent, stuck))).toMatch(/^kafkajs-1277 /);
  });

  it('knows what many causes have beside its cause in the same process alone, or the same group', () => {
    const of = (property: string, signature: string, subject: JudgedAnomaly['subject']): JudgedAnomaly => ({
      ...anomaly(property, signature),
      subject,
    });
    const m1 = { group: 'g', process: 'm1.1' };
    const joined = of('paused-consumption', 'joined although the consumer was stopped', m1);
    const back = (process: string) =>
      of('explained-resume', 'resumed before the last commit', { group: 'g', process });
    const twice = (group: string) => of('exactly-once', 'record was written twice', { group });
    const nameOf = (one: JudgedAnomaly) => known(one, verdictOf(joined, one));
    expect(nameOf(back('m1.1'))).toMatch(/^kafkajs-1639 /);
    expect(nameOf(back('m2.1'))).toBeNull();
    expect(nameOf(twice('g'))).toMatch(/^kafkajs-1639 /);
    expect(nameOf(twice('h'))).toBeNull();
  });

  it('knows nothing of other clients and other versions', () => {
    const idle = anomaly('idle-member', 'idle member lost its membership');
    const of = (name: string, version: string, one: JudgedAnomaly) =>
      knownIssues(bugs, { name, version })(one, verdictOf(one));
    expect(of('reference', '0.1.0', lost)).toBeNull();
    expect(of('kafkajs', '2.2.4', idle)).toBeNull();
    expect(of('kafkajs', '2.0.0', idle)).toMatch(/^kafkajs-1361 /);
    // Somebody's own code has the bugs of the version that it says it is.
    expect(hasBug(bug('kafkajs-1361'), { name: 'kafkajs', version: '2.0.0+local.12345678' })).toBe(true);
    expect(hasBug(bug('kafkajs-1453'), { name: 'kafkajs', version: '2.3.0-beta.3' })).toBe(true);
  });
});

describe('a file of a known bug', () => {
  it('is refused with the path of what is wrong in it', () => {
    const { id: _id, file: _file, ...good } = bug('kafkajs-1453');
    expect(parseKnownBug(good, 'x')).toEqual(good);
    const wrong = { ...good, bug: { ...good.bug, versions: 'all of them' } };
    expect(() => parseKnownBug(wrong, 'x.json')).toThrow(/x\.json is not a known bug:\n {2}bug\.versions: /);
    expect(() => bug('kafkajs-0')).toThrow(UsageError);
  });
});
