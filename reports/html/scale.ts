/** The time axis: a span of time and a width enter, places in pixels and evenly spaced ticks leave. */
import type { Span } from './timeline.ts';

export interface Scale extends Span {
  readonly width: number;
  /** The place of a moment, rounded to a tenth of a pixel and never outside. */
  x(timeMs: number): number;
  /** The width of a span in the picture, rounded alike and never less than that of a thin line. */
  across(span: Span): number;
}

const WIDTH_OF_LINE = 0.5;

/** Wide enough for a quarter of an hour to be told apart; a short run fits beside its names on a laptop's screen. */
const WIDTH_MIN = 1_030;
const WIDTH_MAX = 4_000;
const PIXELS_PER_SECOND_MIN = 10;

export function scaleOf({ fromMs, toMs }: Span): Scale {
  const wanted = Math.round(((toMs - fromMs) / 1_000) * PIXELS_PER_SECOND_MIN);
  const width = Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, wanted));
  const perMs = width / (toMs - fromMs);
  const round = (value: number): number => Math.round(value * 10) / 10;
  const x = (timeMs: number): number => round(Math.min(width, Math.max(0, (timeMs - fromMs) * perMs)));
  const across = (span: Span): number => Math.max(WIDTH_OF_LINE, round(x(span.toMs) - x(span.fromMs)));
  return { fromMs, toMs, width, x, across };
}

const TICK_DISTANCE_MIN = 70;
const STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_800_000, 3_600_000,
];

/** Moments for the axis, at a step that a person would choose. */
export function ticksOf(scale: Scale): { timeMs: number; label: string }[] {
  const least = ((scale.toMs - scale.fromMs) / scale.width) * TICK_DISTANCE_MIN;
  const stepMs = STEPS_MS.find((step) => step >= least) ?? Math.ceil(least / 3_600_000) * 3_600_000;
  const digits = stepMs >= 1_000 ? 0 : stepMs >= 100 ? 1 : stepMs >= 10 ? 2 : 3;
  const ticks: { timeMs: number; label: string }[] = [];
  for (let timeMs = Math.ceil(scale.fromMs / stepMs) * stepMs; timeMs <= scale.toMs; timeMs += stepMs)
    ticks.push({ timeMs, label: `${(timeMs / 1_000).toFixed(digits)} s` });
  return ticks;
}

/**
 * One path of filled boxes for any number of spans: each pixel column is filled at most once, so the size of the
 * picture is bounded by its width and not by the number of events.
 */
export function columnsPath(spans: readonly Span[], scale: Scale, y: number, height: number): string {
  const filled = new Uint8Array(scale.width + 1);
  for (const span of spans) {
    const from = Math.floor(scale.x(span.fromMs));
    // A column that a span only touches stays free, so that the gap between two spans can be seen.
    const to = Math.max(from + 1, Math.floor(scale.x(span.toMs)));
    filled.fill(1, from, Math.min(to, filled.length));
  }
  let path = '';
  for (let column = 0; column < filled.length; column += 1) {
    if (filled[column] === 0) continue;
    const from = column;
    while (column + 1 < filled.length && filled[column + 1] === 1) column += 1;
    path += `M${from} ${y}h${column + 1 - from}v${height}H${from}z`;
  }
  return path;
}

/** Items that keep a distance from the one before; the rest would only be drawn over each other. */
export function thinned<T>(items: readonly T[], place: (item: T) => number, distanceMin: number): T[] {
  const kept: T[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const item of items) {
    if (place(item) - last < distanceMin) continue;
    last = place(item);
    kept.push(item);
  }
  return kept;
}
