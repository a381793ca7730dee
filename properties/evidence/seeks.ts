/**
 * Where the application moved a member's position itself: actions of a seek enter, whether one explains where the
 * member goes on leaves.
 */
import type { Evidence } from './evidence.ts';

/** Whether the application has sought in the partition, between two places of the history. */
export function hasSought(
  evidence: Evidence,
  process: string,
  topic: string,
  partition: number,
  afterSeq: number,
  beforeSeq: number,
): boolean {
  const id = evidence.processes.get(process)?.id;
  return evidence.actions.some(({ action, seq }) => {
    const named: { kind: string; member?: string; topic?: string; partition?: number } = action;
    return (
      named.kind === 'seek' &&
      named.member === id &&
      (named.topic ?? topic) === topic &&
      (named.partition ?? partition) === partition &&
      seq > afterSeq &&
      seq < beforeSeq
    );
  });
}
