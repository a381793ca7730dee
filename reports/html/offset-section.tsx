/** Offsets over time: a history and what its anomalies are about enter, charts of the partitions that matter leave. */
import type { JSX } from 'preact';
import type { History } from '../../harness/history/schema.ts';
import type { Anomaly } from '../../properties/property.ts';
import { count } from '../describe-event.ts';
import { OffsetChart, OffsetLegend } from './offset-chart.tsx';
import { type OffsetLane, offsetLanesOf } from './offsets.ts';
import { scaleOf } from './scale.ts';
import { stylesOf } from './swim-lane.tsx';
import type { Timeline } from './timeline.ts';

/** Charts to see at once, and those that are folded away; the history has the rest. */
const OPEN_MAX = 2;
const FOLDED_MAX = 6;

export function Offsets({
  history,
  timeline,
  subjects,
}: {
  readonly history: History;
  readonly timeline: Timeline;
  readonly subjects: readonly Anomaly['subject'][];
}): JSX.Element | null {
  const lanes = byInterest(offsetLanesOf(history), subjects);
  if (lanes.length === 0) return null;
  const scale = scaleOf(timeline);
  const styleOf = stylesOf(timeline);
  const chart = (lane: OffsetLane): JSX.Element => (
    <OffsetChart
      key={`${lane.group} ${lane.topic} ${lane.partition}`}
      lane={lane}
      scale={scale}
      styleOf={styleOf}
    />
  );
  const folded = lanes.slice(OPEN_MAX, OPEN_MAX + FOLDED_MAX);
  const left = lanes.length - OPEN_MAX - folded.length;
  return (
    <>
      <h3>Offsets over time</h3>
      {lanes.slice(0, OPEN_MAX).map(chart)}
      <OffsetLegend />
      {folded.length === 0 ? null : (
        <details>
          <summary>
            {count(folded.length, 'more partition')}
            {left > 0 ? `, and ${left} that history.jsonl has` : ''}
          </summary>
          {folded.map(chart)}
        </details>
      )}
    </>
  );
}

/** What an anomaly is about comes first, then where most came again. */
function byInterest(lanes: readonly OffsetLane[], subjects: readonly Anomaly['subject'][]): OffsetLane[] {
  const replays = (lane: OffsetLane): number => lane.delivered.reduce((sum, one) => sum + one.again, 0);
  const isSubject = (lane: OffsetLane): boolean =>
    subjects.some(
      (one) =>
        one.topic === lane.topic &&
        one.partition === lane.partition &&
        (one.group === undefined || one.group === lane.group),
    );
  return lanes.toSorted((a, b) => Number(isSubject(b)) - Number(isSubject(a)) || replays(b) - replays(a));
}
