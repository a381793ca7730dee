/** exactly-once on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { exactlyOnce } from './exactly-once.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pipeline } from './testing/good-histories.ts';
import type { Story } from './testing/history-builder.ts';

describeGoodHistories(exactlyOnce);

describe('finds', () => {
  it('a record that was written twice', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1).copies(0, 1);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was written twice | What group billing makes of offset 1 of orders/0 has been committed more than once: invoices/0@1 and invoices/0@2. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('a record that was passed over', () => {
    const { story, m1 } = pipeline();
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    story.copies(0, 0).copies(0, 1, 'aborted').copies(0, 2, 'open').wait(5_000);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was not written | Group billing has committed orders/0 at 4, and what it makes of offsets 1 and 2 has never been committed. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('nothing where the marker of the last transaction is on its way when the run is over', () => {
    const { story, m1 } = pipeline();
    story.produces(1);
    m1.works(0, 1).commits(0, 1);
    story.copies(0, 0, 'open');
    expect(findings(exactlyOnce, story)).toEqual([]);
  });

  describe('apart', () => {
    const nobody = { memberId: '', generation: -1, transactional: true } as const;
    const asks = (story: Story, process: string, commit: number, offset: number): void => {
      const offsets = [{ topic: 'orders', partition: 0, offset: String(offset) }];
      story.emit({ process, kind: 'commit-invoke', group: 'billing', commit, ...nobody, offsets });
      story.emit({ process, kind: 'commit-ok', group: 'billing', commit });
    };
    const writes = (story: Story, offset: number, position: string, transactionEnd: string): void => {
      story.coordinatorEvent({
        process: 'coordinator',
        kind: 'commit-accepted',
        group: 'billing',
        topic: 'orders',
        partition: 0,
        offset: String(offset),
        metadata: '',
        logPosition: { partition: 0, offset: position },
        transactionEnd,
      });
    };

    it('what a send of a transaction left out, from what its whole transaction did', () => {
      const signatures = (copied: number[]) => {
        const { story, m1 } = pipeline();
        story.produces(3);
        m1.works(0, 3);
        asks(story, m1.process, 90, 3);
        writes(story, 3, story.coordinatorPlace().offset, story.coordinatorPlace().offset);
        for (const offset of copied) story.copies(0, offset);
        m1.stands(0, 3);
        return findings(exactlyOnce, story).map((one) => one.split(' | ')[1]);
      };
      expect(signatures([0, 2])).toEqual([
        'record was not written: the transaction that covers it has others of its send',
      ]);
      expect(signatures([])).toEqual(['record was not written']);
    });

    it('what a member wrote twice that joined again and was told where it stood before its transaction had its end', () => {
      const signatures = (isToldBefore: boolean) => {
        const { story, m1 } = pipeline();
        story.produces(1);
        m1.works(0, 1);
        asks(story, m1.process, 90, 1);
        const place = story.coordinatorPlace().offset;
        const isTold = (): number =>
          story.emit({
            process: m1.process,
            kind: 'wire-offset-fetch',
            group: 'billing',
            offsets: [{ topic: 'orders', partition: 0, offset: null }],
            error: null,
          });
        if (isToldBefore) isTold();
        writes(story, 1, place, story.coordinatorPlace().offset);
        if (!isToldBefore) isTold();
        story.generation([[m1, [0]]]);
        story.copies(0, 0).copies(0, 0);
        return findings(exactlyOnce, story).map((one) => one.split(' | ')[1]);
      };
      expect(signatures(true)).toEqual([
        'record was written twice: the next owner did not wait for an open transaction',
      ]);
      expect(signatures(false)).toEqual(['record was written twice']);
    });

    it('what was written twice since the next owner did not wait for an open transaction', () => {
      const signatures = (endsBefore: boolean) => {
        const { story, m1 } = pipeline();
        const m2 = story.joins('m2');
        story.produces(1);
        m1.works(0, 1);
        asks(story, m1.process, 90, 1);
        const first = story.coordinatorPlace().offset;
        const early = story.coordinatorPlace().offset;
        m1.crashes();
        story.generation([[m2, [0]]]);
        m2.works(0, 1);
        asks(story, m2.process, 90, 1);
        const second = story.coordinatorPlace().offset;
        const late = story.coordinatorPlace().offset;
        writes(story, 1, first, endsBefore ? early : late);
        writes(story, 1, second, story.coordinatorPlace().offset);
        story.copies(0, 0).copies(0, 0);
        return findings(exactlyOnce, story).map((one) => one.split(' | ')[1]);
      };
      expect(signatures(false)).toEqual([
        'record was written twice: the next owner did not wait for an open transaction',
      ]);
      expect(signatures(true)).toEqual(['record was written twice']);
    });
  });

  it('a record that was written, and its offset not committed', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 1).commits(0, 1);
    story.copies(0, 0).copies(0, 7);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was written without its offset | What group billing makes of offset 7 of orders/0 has been committed, and the committed offset is 3. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('the same where somebody else moves the position, which is observed', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1).deletesOffsets();
    m1.stands(0, 0).works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1);
    expect(findings(exactlyOnce, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'record was written twice'],
    ]);
  });

  it('as observed what follows where a leader with an old view calls a position out of range', () => {
    const twice = (leaderEpoch: number | undefined) => {
      const { story, m1 } = pipeline();
      story.produces(3);
      m1.works(0, 2).commits(0, 2);
      story.copies(0, 0).copies(0, 1);
      story.act({ kind: 'isolate-controller', broker: 1, durationMs: 5_000 });
      story.emit({
        process: m1.process,
        kind: 'wire-fetch-error',
        topic: 'orders',
        partition: 0,
        offset: '2',
        error: 'OFFSET_OUT_OF_RANGE',
        ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
      });
      m1.stands(0, 0).works(0, 2).commits(0, 2);
      story.copies(0, 0).copies(0, 1);
      return findings(exactlyOnce, story).map((one) => one.split(' | ').slice(0, 2));
    };
    expect(twice(0)).toEqual([
      ['observed', 'record was written twice: a leader with an old view called a position out of range'],
    ]);
    // Who names no epoch has asked for it.
    expect(twice(undefined)).toEqual([['illegal', 'record was written twice']]);
  });
});
