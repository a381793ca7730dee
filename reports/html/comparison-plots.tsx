/**
 * The drawings of a comparison: measurements enter; a plot of pairs, the bar of an interval, and the points of a sweep
 * leave as SVG. Each says what it shows in words too, for whoever cannot see it.
 */
import type { JSX } from 'preact';
import type { ComparedFigure, Comparison } from '../comparison.ts';
import { formatFigure, formatInterval } from '../comparison-words.ts';
import { shorten } from '../escape.ts';

const PAIRS_SIZE = 210;
const MARGIN = { left: 52, right: 10, top: 10, bottom: 34 };
const LABEL_LENGTH_MAX = 24;

const tenth = (value: number): number => Math.round(value * 10) / 10;

/** One point for each scenario: across what the first subject had, upwards what the other one had. */
export function PairsPlot({
  figure,
  pairs,
  labels: [a, b],
}: {
  readonly figure: ComparedFigure;
  readonly pairs: readonly { readonly scenario: string; readonly a: number; readonly b: number }[];
  readonly labels: readonly [a: string, b: string];
}): JSX.Element {
  const most = Math.max(figure.aWorst, figure.bWorst, Number.MIN_VALUE);
  const place = (value: number): number => tenth((value / most) * PAIRS_SIZE);
  const [width, height] = [MARGIN.left + PAIRS_SIZE + MARGIN.right, MARGIN.top + PAIRS_SIZE + MARGIN.bottom];
  return (
    <figure>
      <figcaption>{figure.title}</figcaption>
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${figure.title}: ${shorten(a, 60)} was better in ${figure.aBetter} scenarios, ${shorten(b, 60)} in ${figure.bBetter}, of ${figure.pairs}.`}
      >
        <g transform={`translate(${MARGIN.left} ${MARGIN.top})`}>
          <path class="axis" d={`M0 0V${PAIRS_SIZE}H${PAIRS_SIZE}`} />
          <path class="equal" d={`M0 ${PAIRS_SIZE}L${PAIRS_SIZE} 0`} />
          {pairs.map((pair) => (
            <circle
              key={pair.scenario}
              class={pair.a < pair.b ? 'worse' : pair.a > pair.b ? 'better' : 'same'}
              cx={place(pair.a)}
              cy={tenth(PAIRS_SIZE - place(pair.b))}
              r="3.5"
            >
              <title>{`${pair.scenario}: A ${formatFigure(pair.a, figure.unit)}, B ${formatFigure(pair.b, figure.unit)}`}</title>
            </circle>
          ))}
          <text x="-6" y={10} text-anchor="end">
            {formatFigure(most, figure.unit)}
          </text>
          <text x="-6" y={PAIRS_SIZE} text-anchor="end">
            0
          </text>
          <text x={PAIRS_SIZE} y={PAIRS_SIZE + 14} text-anchor="end">
            {formatFigure(most, figure.unit)}
          </text>
          <text class="name" x={PAIRS_SIZE / 2} y={PAIRS_SIZE + 28} text-anchor="middle">
            {`A ${shorten(a, LABEL_LENGTH_MAX)}`}
          </text>
          <text class="name" transform={`translate(-36 ${PAIRS_SIZE / 2}) rotate(-90)`} text-anchor="middle">
            {`B ${shorten(b, LABEL_LENGTH_MAX)}`}
          </text>
        </g>
      </svg>
    </figure>
  );
}

const BAR_WIDTH = 150;
const BAR_HEIGHT = 16;

/** The interval of a difference around its mean, with 0 in the middle; as wide as its own larger end. */
export function IntervalBar({ figure }: { readonly figure: ComparedFigure }): JSX.Element {
  const [from, to] = figure.interval;
  const most = Math.max(Math.abs(from), Math.abs(to), Number.MIN_VALUE);
  const place = (value: number): number => tenth(BAR_WIDTH / 2 + (value / most) * (BAR_WIDTH / 2 - 4));
  const kind = figure.verdict === 'better' ? 'better' : figure.verdict === 'worse' ? 'worse' : 'same';
  return (
    <svg
      class="interval"
      width={BAR_WIDTH}
      height={BAR_HEIGHT}
      viewBox={`0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`}
      role="img"
      aria-label={formatInterval(figure)}
    >
      <path class="axis" d={`M${BAR_WIDTH / 2} 0V${BAR_HEIGHT}`} />
      <path class={kind} d={`M${place(from)} ${BAR_HEIGHT / 2}H${place(to)}`} />
      <circle class={kind} cx={place(figure.difference)} cy={BAR_HEIGHT / 2} r="3.5" />
    </svg>
  );
}

const SWEEP_WIDTH = 620;
const SWEEP_HEIGHT = 340;
const SWEEP_MARGIN = { left: 64, right: 24, top: 14, bottom: 40 };
/** Room above the largest value, so that no point and no name lies on the edge. */
const HEADROOM = 1.08;

/** Duplicates against time without an owner; the points that no other one beats are joined by a line. */
export function SweepPlot({ sweep }: { readonly sweep: NonNullable<Comparison['sweep']> }): JSX.Element {
  const { points } = sweep;
  const most = (of: (point: (typeof points)[number]) => number): number =>
    Math.max(Number.MIN_VALUE, ...points.map(of)) * HEADROOM;
  const [mostX, mostY] = [most((point) => point.ownerlessMs), most((point) => point.duplicates)];
  const placed = points.map((point, i) => ({
    ...point,
    number: i + 1,
    x: tenth((point.ownerlessMs / mostX) * SWEEP_WIDTH),
    y: tenth(SWEEP_HEIGHT - (point.duplicates / mostY) * SWEEP_HEIGHT),
  }));
  const front = placed.filter(({ pareto }) => pareto).sort((a, b) => a.x - b.x || b.y - a.y);
  const [width, height] = [
    SWEEP_MARGIN.left + SWEEP_WIDTH + SWEEP_MARGIN.right,
    SWEEP_MARGIN.top + SWEEP_HEIGHT + SWEEP_MARGIN.bottom,
  ];
  return (
    <svg
      class="sweep"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label="Records delivered twice against time without a live owner, one point for each combination. The table below says the same in numbers."
    >
      <g transform={`translate(${SWEEP_MARGIN.left} ${SWEEP_MARGIN.top})`}>
        <path class="axis" d={`M0 0V${SWEEP_HEIGHT}H${SWEEP_WIDTH}`} />
        <path class="front" d={front.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('')} />
        {placed.map(({ label, number, x, y, pareto, ownerlessMs, duplicates }) => (
          <g key={label}>
            <circle class={pareto ? 'better' : 'same'} cx={x} cy={y} r="6">
              <title>{`${label}: ${formatFigure(duplicates, 'records')} delivered twice, ${formatFigure(ownerlessMs, 'ms')} without a live owner`}</title>
            </circle>
            <text x={x + 9} y={y + 4}>
              {number}
            </text>
          </g>
        ))}
        <text x="-6" y={10} text-anchor="end">
          {formatFigure(mostY / HEADROOM, 'records')}
        </text>
        <text x={tenth(SWEEP_WIDTH / HEADROOM)} y={SWEEP_HEIGHT + 16} text-anchor="middle">
          {formatFigure(mostX / HEADROOM, 'ms')}
        </text>
        <text x="-6" y={SWEEP_HEIGHT} text-anchor="end">
          0
        </text>
        <text class="name" x={SWEEP_WIDTH / 2} y={SWEEP_HEIGHT + 34} text-anchor="middle">
          without a live owner, per scenario
        </text>
        <text class="name" transform={`translate(-46 ${SWEEP_HEIGHT / 2}) rotate(-90)`} text-anchor="middle">
          delivered twice, per scenario
        </text>
      </g>
    </svg>
  );
}
