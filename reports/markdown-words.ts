/** Words from outside in Markdown (GitHub's flavour): any text enters, leaves as text, as code or as a table's cell. */
import { visible } from './escape.ts';

/** An empty comment that nobody sees: it keeps GitHub from making a mention, a reference or a link of what follows. */
const BREAK = '<!-- -->';

/**
 * Words from outside as words: nothing in them is markup, calls anybody or leads anywhere.
 */
export const text = (words: string): string =>
  visible(words)
    .replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character)
    // Within a word, a dash or a dot begins nothing.
    .replace(/[\\`*_{}[\]()!|~^$]|(?<!\w)[-+.]|[-+.](?!\w)/g, '\\$&')
    .replace(/[@#]|:(?=\/)/g, `$&${BREAK}`)
    .replace(/(?:www|GH)(?=\\?[.-])/gi, `$&${BREAK}`);

/** Words as code, in which GitHub reads nothing at all; as many backticks around them as they need. */
export function code(words: string): string {
  const shown = visible(words);
  if (shown.trim() === '') return '(empty)';
  const longest = Math.max(0, ...[...shown.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  const padding = longest > 0 || shown.startsWith(' ') || shown.endsWith(' ') ? ' ' : '';
  return `${fence}${padding}${shown}${padding}${fence}`;
}

/** In a table a bar ends the cell, in code too, unless it is escaped; one that is escaped already stays so. */
export const cell = (markdown: string): string =>
  markdown.replace(/(\\*)\|/g, (_, before: string) => `${before.length % 2 === 1 ? before : `${before}\\`}|`);

export function fenced(lines: readonly string[], language = ''): string[] {
  const shown = lines.map(visible);
  const longest = Math.max(
    2,
    ...shown.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)),
  );
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, ...shown, fence];
}
