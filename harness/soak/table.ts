/** Sections as lines for a terminal and as Markdown: sections enter, text leaves. */
import { visible } from '../../reports/escape.ts';
import type { Section } from './sections.ts';

/** Goals are many, and most of them are reached: a terminal shows the sentences about them alone. */
const NOT_ON_TERMINALS: ReadonlySet<string> = new Set(['Goals']);

export const sectionLines = (sections: readonly Section[]): string[] =>
  sections.flatMap(({ title, sentences, rows }) => [
    ...sentences,
    ...(rows.length === 0 || NOT_ON_TERMINALS.has(title) ? [] : ['', ...columns(rows)]),
    '',
  ]);

const cell = (text: string): string => visible(text).replaceAll('|', '\\|');

export const sectionMarkdown = (title: string, sections: readonly Section[]): string =>
  `${[
    `# ${title}`,
    ...sections.flatMap((section) => [
      `## ${section.title}`,
      ...section.sentences.map((sentence) => visible(sentence)),
      ...(section.rows.length === 0 ? [] : [markdownTable(section.rows)]),
    ]),
  ].join('\n\n')}\n`;

const markdownTable = ([head = [], ...rows]: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows.map((row) =>
    row
      .map((one, i) => one.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
