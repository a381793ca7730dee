/** A comparison as Markdown for a pull request: a comparison enters, tables that are short enough to read there leave. */
import type { ComparedFigure, Comparison } from './comparison.ts';
import {
  figureCells,
  findingParts,
  formatFigure,
  isShown,
  missingFigures,
  pointRows,
  seenBy,
  summaryOf,
} from './comparison-words.ts';
import { linkOf } from './known-issue.ts';
import { text } from './markdown-words.ts';

export function renderComparisonMarkdown(comparison: Comparison): string {
  const blocks = [`### kafka-trial compare`, `${summaryOf(comparison)}.`];
  if (comparison.sweep !== null) {
    blocks.push(
      table(
        pointRows(comparison.sweep, 'Pareto front').map((cells) => cells.map(text)),
        '---:',
      ),
    );
  } else
    for (const { a, b, figures } of comparison.comparisons) {
      const shown = Object.entries(figures).filter(([name, figure]) => isShown(name, figure));
      const main = shown.filter(([name]) => !name.includes(':'));
      const parts = shown.filter(([name]) => name.includes(':'));
      blocks.push(
        `**A** ${text(a)} · **B** ${text(b)}`,
        headline(main),
        table([HEAD, ...main.map(row)], '---:'),
      );
      if (parts.length > 0)
        blocks.push(
          `<details><summary>By property and by API</summary>\n\n${table([HEAD, ...parts.map(row)], '---:')}\n\n</details>`,
        );
    }
  for (const { heading, isKnown, findings } of findingParts(comparison))
    blocks.push(
      `**${heading}**`,
      table(
        [
          [...(isKnown ? ['known as'] : []), 'property', 'anomaly', 'scenarios with it', 'first in'],
          ...findings.map((finding) => [
            ...(finding.known === null ? [] : [knownAs(finding.known)]),
            ...[finding.property, finding.signature, seenBy(finding, comparison), finding.first].map(text),
          ]),
        ],
        '---',
      ),
    );
  if (comparison.notMeasured.length > 0) blocks.push(missingFigures(comparison).map(text).join(' '));
  if (comparison.examples.length > 0)
    blocks.push(
      [
        'The largest differences:',
        ...comparison.examples.map(
          ({ scenario, figure, runs }) =>
            `- ${text(scenario)}, ${text(comparison.figures[figure]?.title ?? figure)}: ${runs
              .map(
                ({ label, value }) =>
                  `${formatFigure(value, comparison.figures[figure]?.unit ?? '')} (${text(label)})`,
              )
              .join(' against ')}`,
        ),
      ].join('\n'),
    );
  blocks.push(
    `Means per scenario; less is better in every figure. The interval is a 95 % bootstrap interval of the paired difference. \`--seed ${comparison.seed} --profile ${comparison.profile} --runs ${comparison.scenarios.run}\``,
  );
  return `${blocks.join('\n\n')}\n`;
}

function knownAs(known: string): string {
  const linked = linkOf(known);
  return linked === null ? text(known) : `[${linked.id}](${linked.link})`;
}

const HEAD = ['figure', 'A', 'B', 'B - A', '95 % interval', 'A better', 'B better', 'B is'];

const row = ([, figure]: readonly [string, ComparedFigure]): string[] => {
  const [title = '', ...figures] = figureCells(figure);
  return [
    text(title),
    ...figures,
    figure.verdict === 'no difference shown' ? figure.verdict : `**${figure.verdict}**`,
  ];
};

function headline(figures: readonly (readonly [string, ComparedFigure])[]): string {
  const of = (verdict: string): string =>
    figures
      .filter(([, figure]) => figure.verdict === verdict)
      .map(([, { title }]) => text(title))
      .join('; ');
  const [better, worse] = [of('better'), of('worse')];
  if (better === '' && worse === '') return 'No difference shown in any figure.';
  return [better === '' ? '' : `B is better: ${better}.`, worse === '' ? '' : `B is worse: ${worse}.`]
    .filter((sentence) => sentence !== '')
    .join(' ');
}

/**
 * @param rows of cells that are Markdown already
 * @param others how the columns behind the first one are aligned
 */
const table = ([head = [], ...rows]: readonly (readonly string[])[], others: '---' | '---:'): string =>
  [
    `| ${head.join(' | ')} |`,
    `|${head.map((_, column) => (column === 0 ? '---' : others)).join('|')}|`,
    ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
