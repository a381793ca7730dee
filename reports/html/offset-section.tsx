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

/** Where no anomaly is about a partition, so many are there to see at once. */
const OPEN_MIN = 2;
/** A page of a hundred scenarios has room for so many charts in each; the history has the rest. */
const CHARTS_MAX = 40;

export function Offsets({
  history,
  timeline,
  subjects,
}: {
  readonly history: History;
  readonly timeline: Timeline;
  readonly subjects: readonly Anomaly['subject'][];
}): JSX.Element | null {
  const isSubject = (lane: OffsetLane): boolean => subjects.some((one) => isAbout(one, lane));
  const lanes = byInterest(offsetLanesOf(history), isSubject);
  if (lanes.length === 0) return null;
  const openCount = Math.min(CHARTS_MAX, Math.max(OPEN_MIN, lanes.filter(isSubject).length));
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
  const open = lanes.slice(0, openCount);
  const folded = lanes.slice(openCount, CHARTS_MAX);
  const left = lanes.length - open.length - folded.length;
  return (
    <>
      <h3>Offsets over time</h3>
      {open.map(chart)}
      <OffsetLegend />
      {left > 0 ? <p class="quiet">{count(left, 'more partition')} in history.jsonl.</p> : null}
      {folded.length === 0 ? null : (
        <details>
          <summary>{count(folded.length, 'more partition')} that no anomaly is about</summary>
          {folded.map(chart)}
        </details>
      )}
    </>
  );
}

/** An anomaly that names no partition is about all of its group or topic, which says nothing of any one. */
const isAbout = (subject: Anomaly['subject'], lane: OffsetLane): boolean =>
  subject.topic === lane.topic &&
  subject.partition === lane.partition &&
  (subject.group === undefined || subject.group === lane.group);

/** What an anomaly is about comes first, then where most came again. */
function byInterest(lanes: readonly OffsetLane[], isSubject: (lane: OffsetLane) => boolean): OffsetLane[] {
  const replays = (lane: OffsetLane): number => lane.delivered.reduce((sum, one) => sum + one.again, 0);
  return lanes.toSorted((a, b) => Number(isSubject(b)) - Number(isSubject(a)) || replays(b) - replays(a));
}
