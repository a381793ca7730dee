/** The mutants' result as a table for a terminal: the value enters, text leaves. */
import type { Kill, MutantsResult } from './result.ts';

/** What is asked for: every mutant within the bound, and so many of a hundred within this many scenarios. */
const SOON = 200;
const SOON_PERCENT = 90;

export const killSentence = ({ mutant, property, scenarios }: Kill): string =>
  `${mutant}: ${property === null ? 'not caught' : `caught by ${property}`} after ${scenarios} scenarios`;

/** The first row is the head. */
export const mutantRows = ({ kills }: Pick<MutantsResult, 'kills'>): string[][] => [
  ['mutant', 'breaks', 'with', 'caught by', 'scenarios'],
  ...kills.map(({ mutant, breaks, client, profile, property, scenarios }) => [
    mutant,
    breaks,
    `${client}, ${profile}`,
    property ?? 'NOT CAUGHT',
    String(scenarios),
  ]),
];

export function mutantsSummary({ kills, runs, seed }: MutantsResult): string {
  const caught = kills.filter(({ property }) => property !== null);
  const soon = caught.filter(({ scenarios }) => scenarios <= SOON);
  const percent = Math.floor((100 * soon.length) / Math.max(1, kills.length));
  return `${caught.length} of ${kills.length} mutants were caught within ${runs} scenarios of seed ${seed}, ${soon.length} (${percent} %) within ${SOON}; ${SOON_PERCENT} % are asked for.`;
}

export function renderMutants(result: MutantsResult): string {
  const rows = mutantRows(result);
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n\n${mutantsSummary(result)}\n`;
}

/** Whether every mutant was caught, and enough of them soon. */
export const isEnough = ({ kills }: MutantsResult): boolean =>
  kills.every(({ property }) => property !== null) &&
  kills.filter(({ scenarios }) => scenarios <= SOON).length * 100 >= SOON_PERCENT * kills.length;
