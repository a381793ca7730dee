/**
 * A sweep: `session.timeout=6000,10000` and the like enter, a configuration for each point of the grid leaves; and when
 * it has run, which points no other point beats in both of two figures.
 */
import {
  type Configuration,
  parseConfiguration,
  type Section,
  wordsOf,
} from '../../scenarios/configuration.ts';
import { UsageError } from '../errors.ts';
import { refuseFor } from '../runner/unit.ts';
import type { ComparedSubject } from './subjects.ts';

export interface SweptWord {
  readonly section: Section;
  readonly word: string;
  readonly values: readonly unknown[];
}

/** Each is a subject that runs all scenarios. */
const POINTS_MAX = 100;

/** @throws UsageError where a word is unknown or not the only one that is meant, or there are no values */
export async function parseSweep(text: string): Promise<SweptWord> {
  const { parse } = await import('yaml');
  const equals = text.indexOf('=');
  const [key, list] = [text.slice(0, Math.max(0, equals)).trim(), text.slice(equals + 1)];
  const values = list.split(',').map((value) => value.trim());
  if (equals < 1 || values.some((value) => value === ''))
    throw new UsageError(
      `--sweep '${text}': expected a word and its values, such as session.timeout=6000,10000.`,
    );
  return { ...findWord(key), values: values.map((value) => parse(value) as unknown) };
}

const SECTIONS = ['consumer', 'producer', 'application'] as const satisfies readonly Section[];

/** A word in full, or its beginning as long as that is enough to tell which one; with its section before it, or not. */
function findWord(key: string): Pick<SweptWord, 'section' | 'word'> {
  const all = SECTIONS.flatMap((section) => wordsOf(section).map((word) => ({ section, word })));
  const named = all.filter(({ section, word }) => key === word || key === `${section}.${word}`);
  const begun = all.filter(
    ({ section, word }) => `${word}.`.startsWith(`${key}.`) || `${section}.${word}.`.startsWith(`${key}.`),
  );
  const found = named.length > 0 ? named : begun;
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  throw new UsageError(
    first === undefined
      ? `--sweep: there is no word '${key}' in a configuration.`
      : `--sweep: '${key}' is not the only word that begins so.`,
    {
      hint:
        first === undefined
          ? `The words are: ${all.map(({ word }) => word).join(', ')}.`
          : `It could be ${found.map(({ section, word }) => `${section}.${word}`).join(' or ')}.`,
    },
  );
}

export interface SweepPoint {
  /** The swept words in the order in which they were given. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly subject: ComparedSubject;
}

/**
 * Every combination of values, on top of a configuration; the last word changes fastest.
 * @throws UsageError where a combination is no configuration, or the client cannot do it
 */
export function gridOf(base: ComparedSubject, words: readonly SweptWord[]): SweepPoint[] {
  const doubled = words.find((one, i) => words.findIndex(({ word }) => word === one.word) !== i);
  if (doubled !== undefined) throw new UsageError(`--sweep names ${doubled.word} twice.`);
  const size = words.reduce((product, { values }) => product * values.length, 1);
  if (size > POINTS_MAX)
    throw new UsageError(`--sweep asks for ${size} combinations, and ${POINTS_MAX} are the most.`);
  let points: { section: Section; word: string; value: unknown }[][] = [[]];
  for (const { section, word, values } of words)
    points = points.flatMap((point) => values.map((value) => [...point, { section, word, value }]));
  return points.map((point) => {
    const label = point.map(({ word, value }) => `${word}=${String(value)}`).join(' ');
    const sections: Record<string, Record<string, unknown>> = {};
    for (const { section, word, value } of point)
      sections[section] = { ...(base.configuration?.[section] ?? {}), ...sections[section], [word]: value };
    const configuration: Configuration = parseConfiguration(
      { ...base.configuration, ...sections, name: label.slice(0, 60) },
      `--sweep at ${label}`,
    );
    refuseFor(base.subject, configuration, `--sweep at ${label}`);
    return {
      values: Object.fromEntries(point.map(({ word, value }) => [word, value])),
      subject: { ...base, label, configuration },
    };
  });
}

/** Which points no other point beats: none is as good in both coordinates and better in one, where less is better. */
export function paretoFront(points: readonly (readonly [x: number, y: number])[]): boolean[] {
  return points.map(
    ([x, y]) => !points.some(([otherX, otherY]) => otherX <= x && otherY <= y && (otherX < x || otherY < y)),
  );
}
