/**
 * The messages around an anomaly: it, its history and, from the simulated world, what went over the wire enter; lines of
 * a transcript leave in which the proving events stand out.
 */
import type { JSX } from 'preact';
import type { History } from '../../harness/history/schema.ts';
import type { Happening } from '../../harness/runner/inspect.ts';
import { describeEvent, formatSeconds } from '../describe-event.ts';
import { shorten } from '../escape.ts';
import { messageLine } from '../inspection.ts';
import type { ResultAnomaly } from '../results.ts';
import { type Trace, traceAround } from '../trace.ts';

const LINE_MAX = 500;
const LINES_MAX = 60;

export function MessageTrace({
  anomaly,
  history,
  trace,
  number,
}: {
  readonly anomaly: ResultAnomaly;
  readonly history: History;
  readonly trace: Trace | null;
  /** Of the anomaly in its scenario, from 1. */
  readonly number: number;
}): JSX.Element | null {
  const kept = trace?.traces.find((one) => one.anomaly === number - 1)?.stretches as
    | readonly (readonly Happening[])[]
    | undefined;
  const stretches =
    kept ??
    traceAround(
      history.events.map((event) => ({ event })),
      anomaly,
      history.start.scenario,
    );
  if (stretches.length === 0) return null;
  const lines = stretches.flatMap((stretch, index) => [...(index === 0 ? [] : [null]), ...stretch]);
  return (
    <details>
      <summary>
        {kept === undefined ? 'The events that led to it' : 'The messages and events that led to it'}
      </summary>
      {kept === undefined ? null : (
        <p class="quiet">
          Only what could have mattered to it; all of that is in <code>kafka-trial replay --trace</code>.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <pre class="trace" tabIndex={0}>
        {lines.slice(-LINES_MAX).map((line) => (
          <TraceLine line={line} history={history} proving={anomaly.events} />
        ))}
      </pre>
    </details>
  );
}

function TraceLine({
  line,
  history,
  proving,
}: {
  readonly line: Happening | null;
  readonly history: History;
  readonly proving: readonly number[];
}): JSX.Element {
  if (line === null) return <span>{'             ...\n'}</span>;
  const [timeMs, words] =
    'message' in line
      ? [line.message.time, messageLine(line.message)]
      : [line.event.time, describeEvent(line.event, history.start.scenario)];
  const text = `${formatSeconds(timeMs, 3).padStart(10)}  ${shorten(words, LINE_MAX)}\n`;
  return 'event' in line && proving.includes(line.event.seq) ? (
    <b>{`> ${text}`}</b>
  ) : (
    <span>{`  ${text}`}</span>
  );
}
