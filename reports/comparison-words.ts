/** How a comparison's numbers are written, the same in every format: figures enter, short texts leave. */
import type { ComparedFigure, ComparedFinding, Comparison } from './comparison.ts';
import { count } from './describe-event.ts';

/** Of figures that are a part of another, those that say something: some scenario had any. */
export const isShown = (name: string, figure: ComparedFigure): boolean =>
  !name.includes(':') || figure.aWorst > 0 || figure.bWorst > 0;

/** @param isSigned whether a plus stands before what is more than 0 */
export function formatFigure(value: number, unit: string, isSigned = false): string {
  const sign = value < 0 ? '-' : isSigned && value > 0 ? '+' : '';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (unit !== 'ms') return `${sign}${threeDigits(size)}`;
  return size >= 1_000 ? `${sign}${threeDigits(size / 1_000)} s` : `${sign}${threeDigits(size)} ms`;
}

const threeDigits = (size: number): string =>
  size >= 100 ? size.toFixed(0) : size >= 10 ? size.toFixed(1) : size >= 0.01 ? size.toFixed(2) : '<0.01';

export const formatInterval = ({ interval: [from, to], unit }: ComparedFigure): string =>
  `${formatFigure(from, unit, true)} to ${formatFigure(to, unit, true)}`;

/** A row without its verdict, in the order in which every table has its columns. */
export const figureCells = (figure: ComparedFigure): string[] => [
  figure.title,
  formatFigure(figure.a, figure.unit),
  formatFigure(figure.b, figure.unit),
  formatFigure(figure.difference, figure.unit, true),
  formatInterval(figure),
  String(figure.aBetter),
  String(figure.bBetter),
];

/** One line: how much was compared. */
export function summaryOf({ subjects, scenarios, seed, profile, world, interrupted }: Comparison): string {
  const excluded = new Set(scenarios.excluded.map(({ scenario }) => scenario)).size;
  return [
    `${count(scenarios.run, 'scenario')} of profile ${profile}, seed ${seed}, through ${count(subjects.length, 'subject')}`,
    world === 'kafka' ? ' on real Kafka' : ' in the simulated world',
    excluded === 0 ? '' : `; ${excluded} could not be compared`,
    interrupted ? ' (interrupted)' : '',
  ].join('');
}

/** Sentences on the figures that a reader would look for in vain. */
export const missingFigures = ({ notMeasured }: Comparison): string[] =>
  notMeasured.map(({ title, reason }) => `Not measured: ${title}, since ${reason}.`);

/** Subjects beyond which it is no longer said of each one how often it showed a finding. */
const SUBJECTS_NAMED_MAX = 4;

/** In how many scenarios who showed a finding. */
export function seenBy({ seen }: ComparedFinding, { subjects }: Comparison): string {
  const showing = seen.filter(({ scenarios }) => scenarios > 0).length;
  const total = seen.reduce((sum, { scenarios }) => sum + scenarios, 0);
  return subjects.length > SUBJECTS_NAMED_MAX
    ? `${count(total, 'run')}, under ${showing} of ${count(subjects.length, 'subject')}`
    : subjects.map(({ label }, i) => `${label}: ${seen[i]?.scenarios || 'none'}`).join(', ');
}

/** What is new apart from what is known of the clients, each with a heading that says so; what there is none of is left out. */
export const findingParts = ({
  findings,
}: Comparison): { heading: string; isKnown: boolean; findings: readonly ComparedFinding[] }[] =>
  [
    { heading: 'New illegal anomalies', isKnown: false },
    { heading: 'Known bugs of the clients', isKnown: true },
  ]
    .map((part) => ({
      ...part,
      findings: findings.filter(({ known }) => (known !== null) === part.isKnown),
    }))
    .filter((part) => part.findings.length > 0);

/** How long it took, and the time of processors that went into it. */
export const durationOf = ({ wallSeconds, cpuSeconds }: Comparison): string =>
  `${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of processor time`;

/** The rows of a sweep's table, with its head; what no other point beats has the mark. */
export const pointRows = (sweep: NonNullable<Comparison['sweep']>, mark: string): string[][] => [
  [
    ...sweep.words.map(({ word }) => word),
    ...['delivered twice', 'without a live owner', 'illegal, new', 'illegal, known bugs', ''],
  ],
  ...sweep.points.map(({ values, duplicates, ownerlessMs, newIllegal, knownIllegal, pareto }) => [
    ...sweep.words.map(({ word }) => String(values[word])),
    formatFigure(duplicates, 'records'),
    formatFigure(ownerlessMs, 'ms'),
    formatFigure(newIllegal, 'anomalies'),
    formatFigure(knownIllegal, 'anomalies'),
    pareto ? mark : '',
  ]),
];
