/**
 * Reads a history back, whatever wrote it: JSON Lines enter, a validated `History` or a `UsageError` that names the
 * line, the offending key and what was expected leaves.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { formatPath } from '../../scenarios/schema.ts';
import { UsageError } from '../errors.ts';
import { type EventOf, type History, type HistoryEvent, historyEventSchema } from './schema.ts';
import { UNFINISHED } from './writer.ts';

/** Issues named per line: the first few tell what is wrong, the rest repeat it. */
const ISSUES_MAX = 5;

const eventKinds: readonly string[] = historyEventSchema.options.map((option) => option.shape.kind.value);

/**
 * Reads and validates a history file.
 * @throws UsageError where the file is not there, is empty, or has a line that is not an event
 */
export async function readHistory(path: string): Promise<History> {
  const parser = new HistoryParser(path);
  const lines = createInterface({
    input: createReadStream(path, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  try {
    for await (const line of lines) parser.push(line);
  } catch (error) {
    throw asReadError(error, path);
  } finally {
    lines.close();
  }
  return parser.finish();
}

/**
 * Validates lines as a history. Where no `finish` event is there, the run that wrote them was cut short: the history
 * gets one whose `incomplete` says so, and with it a verdict of at best unknown.
 * @param source where the lines come from, for the messages
 */
export function parseHistory(lines: Iterable<string>, source: string): History {
  const parser = new HistoryParser(source);
  for (const line of lines) parser.push(line);
  return parser.finish();
}

/** True where the file had no `finish` event of its own. */
export const isUnfinished = (history: History): boolean => {
  const last = history.events.at(-1);
  return last?.kind === 'finish' && last.incomplete.includes(UNFINISHED);
};

/** Takes lines one by one, so that a large file never has to be in memory as text. */
class HistoryParser {
  readonly #source: string;
  readonly #events: HistoryEvent[] = [];
  #lineNumber = 0;
  /** A line that is not JSON; whether it is merely the cut-off end of the file shows only with the next line. */
  #broken: { lineNumber: number; reason: string } | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  push(line: string): void {
    this.#lineNumber += 1;
    // Editors on Windows put a byte order mark at the beginning of a file.
    const text = this.#lineNumber === 1 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') return;
    if (this.#broken !== undefined)
      throw this.#error(this.#broken.lineNumber, `expected one JSON object, but ${this.#broken.reason}`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#broken = {
        lineNumber: this.#lineNumber,
        reason: error instanceof Error ? error.message : String(error),
      };
      return;
    }
    this.#events.push(this.#validate(value));
  }

  finish(): History {
    if (this.#broken !== undefined) throw this.#cutOff(this.#broken);
    const [start] = this.#events;
    if (start === undefined)
      throw new UsageError(`${this.#source} is empty: a history has at least a start event.`, {
        hint: 'A history is written when a run ends; look for history.jsonl below reports/out.',
      });
    const last = this.#events.at(-1);
    if (last !== undefined && last.kind !== 'finish') {
      const seq = this.#events.length;
      this.#events.push({
        time: last.time,
        seq,
        process: 'harness',
        kind: 'finish',
        incomplete: [UNFINISHED],
      });
    }
    return { start: start as EventOf<'start'>, events: this.#events };
  }

  #validate(value: unknown): HistoryEvent {
    const result = historyEventSchema.safeParse(value, { reportInput: true });
    if (!result.success) {
      const issues = result.error.issues.flatMap(describeIssue);
      const shown = issues.slice(0, ISSUES_MAX);
      if (issues.length > shown.length) shown.push(`and ${issues.length - shown.length} more`);
      throw this.#error(this.#lineNumber, shown.join('; '));
    }
    const event = result.data;
    const place = this.#events.length;
    const previous = this.#events.at(-1);
    if (place === 0 && event.kind !== 'start')
      throw this.#error(
        this.#lineNumber,
        `kind: expected 'start', the first event of every history (got '${event.kind}')`,
      );
    if (place > 0 && event.kind === 'start')
      throw this.#error(this.#lineNumber, "kind: expected no second 'start'; one file holds one history");
    if (previous?.kind === 'finish')
      throw this.#error(this.#lineNumber, "expected nothing after 'finish', the last event of every history");
    if (event.seq !== place)
      throw this.#error(
        this.#lineNumber,
        `seq: expected ${place}, the event's place in the file (got ${event.seq})`,
      );
    return event;
  }

  #error(lineNumber: number, what: string): UsageError {
    return new UsageError(`${this.#source}, line ${lineNumber} is not a history event: ${what}`);
  }

  #cutOff({ lineNumber, reason }: { lineNumber: number; reason: string }): UsageError {
    if (this.#events.length === 0) return this.#error(lineNumber, `expected one JSON object, but ${reason}`);
    return new UsageError(
      `${this.#source}, line ${lineNumber} is cut off in the middle: whatever wrote the file was stopped before its end.`,
      { hint: 'Remove that last line to check the events before it; the verdict is then at best unknown.' },
    );
  }
}

function describeIssue(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${formatPath([...issue.path, key])}: expected no such key`);
  if (issue.code === 'invalid_union' && issue.path.length === 1 && issue.path[0] === 'kind')
    return [`kind: expected one of ${eventKinds.join(', ')}${describeInput(kindOf(issue.input))}`];
  const message = issue.message.replace(/^Invalid input: /, '');
  return [
    `${formatPath(issue.path)}: ${message}${message.includes('received') ? '' : describeInput(issue.input)}`,
  ];
}

const kindOf = (event: unknown): unknown =>
  typeof event === 'object' && event !== null && 'kind' in event ? event.kind : undefined;

function describeInput(input: unknown): string {
  if (input === undefined) return ' (the key is missing)';
  const text = JSON.stringify(input) ?? typeof input;
  return ` (got ${text.length > 60 ? `${text.slice(0, 57)}...` : text})`;
}

function asReadError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder, not a file',
    EACCES: 'there is no permission to read it',
  };
  return new UsageError(`Cannot read the history '${path}': ${reasons[code] ?? code}.`, { cause: error });
}
