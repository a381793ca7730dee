/** One output line of a client process: text enters, a checked event leaves, or a sentence about what is wrong. */
import { z } from 'zod';
import { type EventKind, historyEventSchema, type UnplacedEvent } from '../../history/schema.ts';

/** What a client may say: claims, and what left and reached its sockets. Evidence comes from elsewhere. */
const CLIENT_KINDS: ReadonlySet<EventKind> = new Set<EventKind>([
  'client-joined',
  'client-assigned',
  'client-rebalancing',
  'client-crashed',
  'client-stopped',
  'application-error',
  'application-call',
  'application-call-end',
  'delivery',
  'processing-begin',
  'processing-end',
  'application-commit',
  'application-commit-end',
  'wire-join',
  'wire-sync',
  'wire-heartbeat',
  'wire-leave',
  'wire-offset-fetch',
  'wire-list-offsets',
  'wire-fetch-error',
  'wire-read-replica',
  'wire-throttle',
  'commit-invoke',
  'commit-ok',
  'commit-fail',
  'commit-unknown',
  'produce-invoke',
  'produce-ok',
  'produce-fail',
  'produce-unknown',
  'transaction',
  'transaction-end',
  'producer-close',
]);

const excerpt = (line: string): string => (line.length > 200 ? `${line.slice(0, 197)}...` : line);

/** @returns a sentence for the log where it is no object of JSON */
function parseObject(line: string): object | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `a line of output is not JSON: ${excerpt(line)}`;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `a line of output is not an object: ${excerpt(line)}`;
  return value;
}

/** @returns the event with `process` added, or a sentence for the log */
export function parseClientEvent(line: string, process: string): UnplacedEvent | string {
  const value = parseObject(line);
  if (typeof value === 'string') return value;
  if ('seq' in value || 'process' in value)
    return `an event of a client has no seq and no process: ${excerpt(line)}`;
  return checked({ ...value, process }, line);
}

/** @returns of a process with several members: an event of one, which of them has closed, or a sentence for the log */
export function parseMemberLine(line: string): UnplacedEvent | { readonly closed: string } | string {
  const value = parseObject(line);
  if (typeof value === 'string') return value;
  if ('closed' in value && typeof value.closed === 'string') return { closed: value.closed };
  if ('seq' in value || !('process' in value))
    return `an event of one of several members has no seq, and its process: ${excerpt(line)}`;
  return checked(value, line);
}

function checked(value: object, line: string): UnplacedEvent | string {
  // `seq` stands in for the place that the recorder gives later.
  const result = historyEventSchema.safeParse({ ...value, seq: 0 });
  if (!result.success)
    return `a line of output is no event (${z.prettifyError(result.error).replace(/\s+/g, ' ')}): ${excerpt(line)}`;
  const { seq: _seq, ...event } = result.data;
  if (!CLIENT_KINDS.has(event.kind)) return `a client cannot know '${event.kind}': ${excerpt(line)}`;
  return event;
}
