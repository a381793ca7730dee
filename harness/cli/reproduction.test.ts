/** What a replay says of the run that was recorded: the same again, or what has changed. */
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../reports/results.ts';
import { syntheticRun } from '../../reports/testing/synthetic.ts';
import type { Recorded } from '../../scenarios/finding.ts';
import { UsageError } from '../errors.ts';
import { compareWithRecorded, recordedSubject } from './reproduction.ts';

const recorded: Recorded = {
  traceHash: 'abc',
  client: 'kafkajs',
  clientVersion: '2.2.4',
  mutant: null,
  versions: { node: '20.20.2', 'kafka-trial': '0.1.0' },
};

const resultOf = (...hashes: (string | null)[]): RunResult => {
  const { result } = syntheticRun();
  const [first] = result.results;
  if (first === undefined) throw new Error('no results');
  return {
    ...result,
    client: { name: 'kafkajs', version: '2.2.4' },
    mutant: null,
    versions: { node: '20.20.2', 'kafka-trial': '0.1.0' },
    results: hashes.map((traceHash, index) => ({ ...first, index, traceHash })),
  };
};

describe('compareWithRecorded', () => {
  it('counts equal traces', () => {
    expect(compareWithRecorded(resultOf('abc', 'abc'), [recorded, recorded])).toEqual({
      same: 2,
      runs: 2,
      sentence: 'The recorded run again: 2 of 2 traces are equal.',
    });
  });

  it('says what has changed where they are not', () => {
    const other = compareWithRecorded(resultOf('abc', 'def'), [
      recorded,
      { ...recorded, clientVersion: '2.0.2', versions: { node: '22.1.0', generator: '0' } },
    ]);
    expect(other).toMatchObject({ same: 1, runs: 2 });
    expect(other?.sentence).toMatch(
      /^This is not the recorded run: 1 of 2 traces are equal \(recorded abc, now def\)\. Since then changed: kafkajs \(2\.0\.2, now 2\.2\.4\), generator \(0, now \d+\), node \(22\.1\.0, now 20\.20\.2\)\.$/,
    );
    expect(compareWithRecorded(resultOf('def'), [recorded])?.sentence).toMatch(
      /Nothing that was recorded has changed/,
    );
  });

  it('compares repetitions with each other where no run was recorded', () => {
    expect(compareWithRecorded(resultOf('abc', 'abc', 'def'), [null, null, null])).toEqual({
      same: 2,
      runs: 3,
      sentence: '2 of 3 runs have the same trace as the first.',
    });
  });

  it('has nothing to say where nothing was recorded, or the world does not repeat itself', () => {
    expect(compareWithRecorded(resultOf('abc'), [null])).toBeNull();
    expect(compareWithRecorded(resultOf(null), [recorded])).toBeNull();
    expect(compareWithRecorded(resultOf('abc'), [{ ...recorded, traceHash: null }])).toBeNull();
  });
});

describe('recordedSubject', () => {
  it('is exactly what was recorded, by its number where that is another release', () => {
    expect(recordedSubject([recorded, recorded])).toEqual({ client: 'kafkajs', mutant: null });
    expect(recordedSubject([{ ...recorded, clientVersion: '2.0.2', mutant: 'skip-partition' }])).toEqual({
      client: 'kafkajs@2.0.2',
      mutant: 'skip-partition',
    });
  });

  it('is nobody where nothing or different things were recorded', () => {
    expect(recordedSubject([null])).toBeNull();
    expect(recordedSubject([recorded, { ...recorded, mutant: 'skip-partition' }])).toBeNull();
    expect(recordedSubject([])).toBeNull();
  });

  it('is refused where it cannot be had any more', () => {
    const refused = (one: Partial<Recorded>) => () => recordedSubject([{ ...recorded, ...one }]);
    expect(refused({ clientVersion: '2.1.0' })).toThrow(/kafkajs 2\.1\.0 is not installed/);
    expect(refused({ clientVersion: '2.2.4+local.00000000' })).toThrow(UsageError);
    expect(refused({ client: 'reference', clientVersion: '0.0.1' })).toThrow(
      /recorded with reference 0\.0\.1, and reference is .* now/,
    );
  });
});
