/** Sweeps: words by their beginning, the grid, and the front. */
import { describe, expect, it } from 'vitest';
import { gridOf, paretoFront, parseSweep } from './sweep.ts';

const base = {
  label: 'kafkajs',
  key: 'kafkajs',
  subject: { client: 'kafkajs', mutant: null },
  words: [],
  configuration: null,
};

describe('a swept word', () => {
  it('may be cut short as long as it is the only one that begins so', async () => {
    expect(await parseSweep('session.timeout=6000,10000')).toEqual({
      section: 'consumer',
      word: 'session.timeout.ms',
      values: [6_000, 10_000],
    });
    expect(await parseSweep('acks=0,all')).toMatchObject({ section: 'producer', values: [0, 'all'] });
    expect(await parseSweep('producer.request.timeout.ms=100,200')).toMatchObject({
      section: 'producer',
      word: 'request.timeout.ms',
    });
  });

  it.each([
    ['sesion.timeout=1,2', /there is no word 'sesion\.timeout'/],
    ['request.timeout=1,2', /'request\.timeout' is not the only word/],
    ['session.timeout', /expected a word and its values/],
    ['session.timeout=6000,', /expected a word and its values/],
  ])('is refused: %s', async (text, message) => {
    await expect(parseSweep(text)).rejects.toThrow(message);
  });
});

describe('a grid', () => {
  it('has every combination, on top of what was given', async () => {
    const words = [await parseSweep('session.timeout=6000,10000'), await parseSweep('heartbeat=1000,3000')];
    const configured = { ...base, configuration: { producer: { acks: 'all' as const } } };
    const points = gridOf(configured, words);
    expect(points.map(({ subject }) => subject.label)).toEqual([
      'session.timeout.ms=6000 heartbeat.interval.ms=1000',
      'session.timeout.ms=6000 heartbeat.interval.ms=3000',
      'session.timeout.ms=10000 heartbeat.interval.ms=1000',
      'session.timeout.ms=10000 heartbeat.interval.ms=3000',
    ]);
    expect(points[3]?.subject.configuration).toMatchObject({
      consumer: { 'session.timeout.ms': 10_000, 'heartbeat.interval.ms': 3_000 },
      producer: { acks: 'all' },
    });
  });

  it('names the combination that is no configuration, or that the client cannot do', async () => {
    const words = [await parseSweep('session.timeout=6000'), await parseSweep('heartbeat=1000,6000')];
    expect(() => gridOf(base, words)).toThrow(
      /--sweep at session\.timeout\.ms=6000 heartbeat\.interval\.ms=6000 is not a configuration/,
    );
    const polls = [await parseSweep('max.poll.records=1,10')];
    expect(() => gridOf(base, polls)).toThrow(/--sweep at max\.poll\.records=1 asks for what kafkajs cannot/);
  });
});

describe('the Pareto front', () => {
  it('has what no other point beats', () => {
    expect(
      paretoFront([
        [1, 5],
        [2, 2],
        [3, 3],
        [5, 1],
        [5, 2],
        [2, 2],
        [2, 4],
      ]),
    ).toEqual([true, true, false, true, false, true, false]);
  });
});
