/**
 * Makes text from outside harmless to look at: a topic name, key or error text enters, the same text with every
 * character that could steer a terminal, break XML or reverse the reading order shown as an escape leaves.
 */
/* oxlint-disable no-control-regex -- control characters are what this file looks for */

/**
 * Control characters (C0, C1, DEL), line and paragraph separators, marks that change the direction of text, invisible
 * characters, non-characters that XML forbids, and halves of surrogate pairs.
 */
const HARMFUL =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for.
  /[\u0000-\u001F\u007F-\u009F\u00AD\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

/** One line of text in which nothing is hidden: `\n` and `\u202e` are written out. */
export const visible = (text: string): string => text.replace(HARMFUL, writtenOut);

/** The same for text that has lines of its own: line ends stay. */
export const visibleLines = (text: string): string =>
  text.replace(HARMFUL, (character) => (character === '\n' ? character : writtenOut(character)));

function writtenOut(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The text itself where it is short enough, otherwise its beginning and an ellipsis. */
export function shorten(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  // Not in the middle of a surrogate pair.
  const cut = text.slice(0, lengthMax - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${cut}…`;
}

/** A name cut in its middle, since names that begin alike differ at their ends: `consumer-…-17`. */
export function shortenName(name: string, lengthMax: number): string {
  if (name.length <= lengthMax || lengthMax < 8) return shorten(name, lengthMax);
  const end = Math.floor(lengthMax / 3);
  // Not in the middle of a surrogate pair.
  const tail = name.slice(-end).replace(/^[\uDC00-\uDFFF]/, '');
  return `${shorten(name, lengthMax - end)}${tail}`;
}
