/** What a soak shows at its end: its result enters, the lines of its tables and what it comes to leave. */
import { goals } from '../../properties/goals/index.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { SoakFinding, SoakResult } from './soak.ts';

/** So many scenarios have to reach every goal that is not rare. */
export const SCENARIOS_FOR_GOALS = 20_000;
/** Goals that so few scenarios of a soak reached are worth a look. */
const SELDOM = 5;

/** Goals that nothing reached, those that may be missed left out. */
export const missedGoals = ({ goals: reached }: SoakResult): string[] =>
  goals.filter(({ name, isRare }) => !isRare && (reached.get(name) ?? 0) === 0).map(({ name }) => name);

/** Findings that are the harness's own mistakes: the control keeps all promises. */
const mistakes = ({ findings }: SoakResult): SoakFinding[] =>
  findings.filter(({ client, policy }) => client === 'reference' && policy === 'illegal');

export function exitCodeOfSoak(result: SoakResult): ExitCode {
  if (mistakes(result).length > 0) return exitCodes.invalid;
  if (result.scenarios >= SCENARIOS_FOR_GOALS && missedGoals(result).length > 0) return exitCodes.invalid;
  if (result.scenarios === 0 || result.parts.some(({ unknown }) => unknown > 0)) return exitCodes.unknown;
  return exitCodes.valid;
}

export function soakLines(result: SoakResult): string[] {
  const { parts, findings, goals: reached, scenarios, unknown, seed } = result;
  const seldom = [...reached].filter(([, times]) => times > 0 && times <= SELDOM);
  const missed = missedGoals(result);
  const known = [...reached.values()].filter((times) => times > 0).length;
  return [
    `${scenarios} scenarios of seed ${seed}`,
    '',
    ...columns([
      ['client', 'profile', 'scenarios', 'invalid', 'unknown', 'goals'],
      ...parts.map((part) => [
        part.client,
        part.profile,
        String(part.scenarios),
        String(part.invalid),
        String(part.unknown),
        String(part.goals.size),
      ]),
    ]),
    '',
    ...columns([
      ['client', 'policy', 'anomalies', 'example', 'what'],
      ...findings
        .toSorted(
          (a, b) => compare(a.client, b.client) || compare(a.policy, b.policy) || b.anomalies - a.anomalies,
        )
        .map((one) => [
          one.client,
          one.policy,
          String(one.anomalies),
          one.example,
          `${one.property}: ${one.signature}`,
        ]),
    ]),
    '',
    `${known} of ${reached.size} goals reached.`,
    ...(seldom.length === 0
      ? []
      : [`Seldom: ${seldom.map(([name, times]) => `${name} (${times})`).join(', ')}.`]),
    ...(missed.length === 0
      ? []
      : [
          `Never reached: ${missed.join(', ')}${scenarios < SCENARIOS_FOR_GOALS ? ` (a failure from ${SCENARIOS_FOR_GOALS} scenarios on)` : ''}.`,
        ]),
    ...unknown.map((sentence) => `No verdict: ${sentence}`),
    ...mistakes(result).map(
      ({ property, signature, example }) =>
        `The control fails ${property} (${signature}) in ${example}: a mistake of the harness.`,
    ),
  ];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
