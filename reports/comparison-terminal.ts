/** The text of a comparison for a terminal: a comparison enters, tables and the files to look at leave. */
import pc from 'picocolors';
import type { ComparedFigure, Comparison } from './comparison.ts';
import {
  durationOf,
  figureCells,
  findingParts,
  isShown,
  missingFigures,
  pointRows,
  seenBy,
  summaryOf,
} from './comparison-words.ts';
import { visible } from './escape.ts';
import { wrap } from './terminal.ts';

export function renderComparison(
  comparison: Comparison,
  { color, width }: { readonly color: boolean; readonly width: number },
): string {
  const colors = pc.createColors(color);
  const lines = [colors.bold(summaryOf(comparison)), ''];
  for (const { a, b, figures } of comparison.sweep === null ? comparison.comparisons : []) {
    lines.push(`${colors.bold('A')} ${visible(a)}`, `${colors.bold('B')} ${visible(b)}`, '');
    const shown = Object.entries(figures).filter(([name, figure]) => isShown(name, figure));
    const head = [
      'figure, mean per scenario',
      'A',
      'B',
      'B - A',
      '95 % interval',
      'A better',
      'B better',
      'B is',
    ];
    const rows = shown.map(([, figure]) => cellsOf(figure));
    lines.push(
      ...table([head, ...rows], (cells, line, row) => paint(colors, shown[row - 1]?.[1], cells, line)),
      '',
    );
  }
  if (comparison.sweep !== null) {
    lines.push(...table(pointRows(comparison.sweep, '*'), (_, line) => line));
    lines.push(
      '',
      ...wrap('* no other point has less of one of the two and no more of the other', width, ''),
      '',
    );
  }
  for (const { heading, isKnown, findings } of findingParts(comparison)) {
    lines.push(colors.bold(`${heading}, by the number of scenarios`));
    for (const finding of findings) {
      const { property, signature, known, first } = finding;
      const name = `${known === null ? '' : `${known}: `}${property}: ${signature}`;
      const mark = isKnown ? colors.yellow : colors.red;
      lines.push(
        ...wrap(visible(name), width, '  ', '    ').map((line) => mark(line)),
        ...wrap(visible(`${seenBy(finding, comparison)}; first in ${first}`), width, '    '),
      );
    }
    lines.push('');
  }
  for (const sentence of missingFigures(comparison)) lines.push(...wrap(sentence, width, ''));
  for (const { scenario, label, reason } of comparison.scenarios.excluded.slice(0, 3))
    lines.push(...wrap(visible(`${scenario} was left out: ${label}: ${reason}`), width, ''));
  if (comparison.scenarios.excluded.length > 3)
    lines.push(`${comparison.scenarios.excluded.length - 3} more were left out.`);
  for (const { scenario, figure, runs } of comparison.examples) {
    lines.push(`${visible(scenario)} differs most in ${comparison.figures[figure]?.title ?? figure}:`);
    for (const run of runs) lines.push(colors.dim(`  ${visible(run.command)}`));
  }
  lines.push(
    '',
    `Took ${durationOf(comparison)}.`,
    `Report: ${comparison.files.html}, for a pull request: ${comparison.files.markdown}`,
  );
  return `${lines.join('\n')}\n`;
}

const cellsOf = (figure: ComparedFigure): string[] => [...figureCells(figure), figure.verdict];

const paint = (
  colors: ReturnType<typeof pc.createColors>,
  figure: ComparedFigure | undefined,
  _cells: readonly string[],
  line: string,
): string => {
  if (figure === undefined) return colors.dim(line);
  return figure.verdict === 'better'
    ? colors.green(line)
    : figure.verdict === 'worse'
      ? colors.red(line)
      : line;
};

/** The first column to the left, the last too, the others to the right. */
function table(
  rows: readonly (readonly string[])[],
  paintRow: (cells: readonly string[], line: string, row: number) => string,
): string[] {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row, i) => {
    const cells = row.map((cell, column) =>
      column === 0 || column === columns - 1
        ? cell.padEnd(widths[column] as number)
        : cell.padStart(widths[column] as number),
    );
    return paintRow(row, cells.join('  ').trimEnd(), i);
  });
}
