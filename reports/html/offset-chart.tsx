/**
 * The picture of one partition's offsets over time: its lane and the time axis enter, a drawing leaves with the end of
 * the log, the committed offset, what was delivered to whom, and what came again.
 */
import type { JSX } from 'preact';
import { count, formatSeconds } from '../describe-event.ts';
import { shorten, shortenName } from '../escape.ts';
import type { DeliveredSpan, OffsetLane, Step } from './offsets.ts';
import { inkClassOf } from './palette.tsx';
import { type Scale, ticksOf } from './scale.ts';

const HEIGHT = 150;
const TOP = 10;
const BOTTOM = 26;
const LABEL_WIDTH = 148;
const REPLAY_DISTANCE_MIN = 7;

export function OffsetChart({
  lane,
  scale,
  styleOf,
}: {
  readonly lane: OffsetLane;
  readonly scale: Scale;
  /** The style of the member that a process is an incarnation of. */
  readonly styleOf: (process: string) => number;
}): JSX.Element {
  const name = `${shortenName(lane.topic, 60)}-${lane.partition}`;
  const top = Math.max(1, lane.offsetMax);
  const y = (offset: number): number =>
    Math.round((TOP + (1 - offset / top) * (HEIGHT - TOP - BOTTOM)) * 10) / 10;
  const grid = [...new Set([0, Math.round(top / 2), top])];
  const processes = [...new Set(lane.delivered.map(({ process }) => process))];
  const committed = committedPath(lane, scale, y);
  return (
    <figure class="offsets">
      <figcaption>
        <b>{name}</b> in {shortenName(lane.group, 60)}: {summaryOf(lane)}
      </figcaption>
      <div class="lanes">
        <svg
          class="names"
          width={LABEL_WIDTH}
          height={HEIGHT}
          viewBox={`0 0 ${LABEL_WIDTH} ${HEIGHT}`}
          preserveAspectRatio="xMaxYMin slice"
          aria-hidden="true"
        >
          {grid.map((offset) => (
            <text key={offset} x={LABEL_WIDTH - 8} y={y(offset) + 4}>
              {offset === top ? `offset ${offset}` : offset}
            </text>
          ))}
        </svg>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
        <section class="scroll" tabIndex={0} aria-label={`offsets of ${name}: picture, scrolls sideways`}>
          <svg
            width={scale.width + 12}
            height={HEIGHT}
            viewBox={`-6 0 ${scale.width + 12} ${HEIGHT}`}
            role="img"
            aria-label={`Offsets of ${name} over time: ${summaryOf(lane)}`}
          >
            <g class="grid">
              <path d={grid.map((offset) => `M0 ${y(offset)}H${scale.width}`).join('')} />
              {ticksOf(scale).map(({ timeMs, label }) => (
                <text
                  key={timeMs}
                  x={scale.x(timeMs)}
                  y={HEIGHT - 8}
                  text-anchor={
                    scale.x(timeMs) < 15 ? 'start' : scale.x(timeMs) > scale.width - 15 ? 'end' : 'middle'
                  }
                >
                  {label}
                </text>
              ))}
            </g>
            <path d={stepPath(lane.logEnd, scale, y)} class="log-end" />
            <path d={committed} class="committed" />
            {processes.map((process) => (
              <path
                key={process}
                d={deliveredPath(
                  lane.delivered.filter((one) => one.process === process),
                  scale,
                  y,
                )}
                class={`delivered s${inkClassOf(styleOf(process))}`}
              />
            ))}
            {replaysOf(lane, scale).map((one) => (
              <g key={`${one.timeMs} ${one.firstOffset}`} class="replayed">
                <title>{`${formatSeconds(one.timeMs, 3)}: ${shorten(one.process, 100)} was given ${count(one.again, 'record')} from offset ${one.firstOffset} that had been delivered before`}</title>
                <circle cx={scale.x(one.timeMs)} cy={y(one.firstOffset)} r="5" />
              </g>
            ))}
          </svg>
        </section>
      </div>
    </figure>
  );
}

/** The chart in words, for those who do not see it. */
function summaryOf({ logEnd, committed, delivered }: OffsetLane): string {
  const again = delivered.reduce((sum, one) => sum + one.again, 0);
  const last = committed.at(-1)?.offset ?? null;
  return [
    `the log ended at ${logEnd.at(-1)?.offset ?? 'an offset that nothing tells'}`,
    last === null ? 'nothing was committed at the end' : `${last} was committed at the end`,
    `${count(delivered.length, 'delivery', 'deliveries')}, ${again === 0 ? 'none' : count(again, 'record')} delivered again`,
  ].join('; ');
}

/** Of several steps within one pixel only the last can be seen. */
const isHidden = (x: number, nextX: number | undefined): boolean =>
  nextX !== undefined && Math.floor(nextX) === Math.floor(x);

export function stepPath(steps: readonly Step[], scale: Scale, y: (offset: number) => number): string {
  let path = `M0 ${y(0)}`;
  for (const [index, { timeMs, offset }] of steps.entries()) {
    const x = scale.x(timeMs);
    const next = steps[index + 1];
    if (!isHidden(x, next && scale.x(next.timeMs))) path += `H${x}V${y(offset)}`;
  }
  return `${path}H${scale.width}`;
}

function committedPath({ committed }: OffsetLane, scale: Scale, y: (offset: number) => number): string {
  let path = '';
  let drawing = false;
  for (const [index, { timeMs, offset }] of committed.entries()) {
    const x = scale.x(timeMs);
    if (offset === null) {
      if (drawing) path += `H${x}`;
      drawing = false;
      continue;
    }
    const next = committed[index + 1];
    if (drawing && next !== undefined && next.offset !== null && isHidden(x, scale.x(next.timeMs))) continue;
    path += drawing ? `H${x}V${y(offset)}` : `M${x} ${y(offset)}`;
    drawing = true;
  }
  return drawing ? `${path}H${scale.width}` : path;
}

/** One stroke for each delivery, from its first offset to its last; those that would hide each other are one. */
function deliveredPath(spans: readonly DeliveredSpan[], scale: Scale, y: (offset: number) => number): string {
  const strokes = new Map<number, { low: number; high: number }[]>();
  for (const { timeMs, firstOffset, lastOffset } of spans) {
    const x = Math.round(scale.x(timeMs));
    const own = strokes.get(x) ?? [];
    strokes.set(x, own);
    const last = own.at(-1);
    if (last !== undefined && firstOffset <= last.high + 1 && firstOffset >= last.low)
      last.high = Math.max(last.high, lastOffset + 1);
    else own.push({ low: firstOffset, high: lastOffset + 1 });
  }
  let path = '';
  for (const [x, own] of strokes)
    for (const { low, high } of own) path += `M${x} ${y(low)}V${Math.min(y(high), y(low) - 2)}`;
  return path;
}

/** What came again, thinned where marks would cover each other. */
function replaysOf({ delivered }: OffsetLane, scale: Scale): DeliveredSpan[] {
  const kept: DeliveredSpan[] = [];
  for (const one of delivered) {
    if (one.again === 0) continue;
    const last = kept.at(-1);
    if (last !== undefined && scale.x(one.timeMs) - scale.x(last.timeMs) < REPLAY_DISTANCE_MIN) continue;
    kept.push(one);
  }
  return kept;
}

export const OffsetLegend = (): JSX.Element => (
  <ul class="legend">
    <li>
      <svg width="26" height="16" aria-hidden="true">
        <path d="M0 12H10V4H26" class="log-end" />
      </svg>
      end of the log
    </li>
    <li>
      <svg width="26" height="16" aria-hidden="true">
        <path d="M0 12H14V6H26" class="committed" />
      </svg>
      committed offset
    </li>
    <li>
      <svg width="26" height="16" aria-hidden="true">
        <path d="M5 13V7M13 9V4M21 6V2" class="delivered si0" />
      </svg>
      delivered (colour of the member)
    </li>
    <li>
      <svg width="26" height="16" aria-hidden="true">
        <g class="replayed">
          <circle cx="12" cy="8" r="5" />
        </g>
      </svg>
      delivered again
    </li>
  </ul>
);
