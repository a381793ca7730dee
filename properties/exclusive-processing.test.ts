/** exclusive-processing on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { exclusiveProcessing } from './exclusive-processing.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pair } from './testing/good-histories.ts';

describeGoodHistories(exclusiveProcessing);

describe('finds', () => {
  it('a record that is handed over although the member knows that the partition is gone', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    m1.works(0, 1).commits(0, 1);
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    m1.works(0, 2);
    expect(findings(exclusiveProcessing, story)).toMatchInlineSnapshot(`
      [
        "illegal | handed over although the member knew that the partition was given to another | m1.1 began offset 1 of orders/0 in group billing and 1 more when generation 2 had given it to m2.1. | group-generation delivery processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('as observed what a zombie begins', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    m1.delivers(0, [0, 1]).processes(0, 0);
    m1.stalls(() => story.wait(7_000).generation([[m2, [0, 1]]]));
    m1.processes(0, 1);
    expect(findings(exclusiveProcessing, story)).toMatchInlineSnapshot(`
      [
        "observed | begun by a zombie that was stalled or cut off | m1.1 began offset 1 of orders/0 in group billing and 2 more when generation 2 had given it to m2.1. | delivery group-generation processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('as observed what a member begins that is late', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.delivers(0, [0, 1]).processes(0, 0);
    story.wait(20_000).generation([[m2, [0, 1]]]);
    m1.processes(0, 1);
    expect(findings(exclusiveProcessing, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'begun by a member that had not heard that the partition went to another'],
    ]);
  });

  it('as observed what was in hand when the member was told', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.delivers(0, [0, 1]).processes(0, 0);
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    m1.processes(0, 1);
    expect(findings(exclusiveProcessing, story)).toMatchInlineSnapshot(`
      [
        "observed | begun from a batch that was in hand when the partition went to another | m1.1 began offset 1 of orders/0 in group billing when generation 2 had given it to m2.1. | delivery group-generation processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where two clocks cannot be told apart', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    story.wait(20_000).generation([[m2, [0, 1]]], { unaware: [m2] });
    const { time } = story;
    m1.delivers(0, [0]);
    story.emit({
      process: m1.process,
      kind: 'processing-begin',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      offset: '0',
      record: 'p1-0',
      time: time + 5,
    });
    m1.exits(0);
    expect(findings(exclusiveProcessing, story)).toEqual([]);
  });
});
