/** Whether a decoded request is about a group or a topic: the request and a name enter, the answer leaves. */
import type { MetadataImage } from '../cluster/metadata-image.ts';

const GROUP_FIELDS = new Set(['groupId', 'groups', 'groupsNames', 'groupIds', 'key', 'coordinatorKeys']);
const TOPIC_FIELDS = new Set(['topic', 'name', 'topicId', 'topicNames', 'topics']);
/** Requests are no deeper than this. */
const DEPTH_MAX = 6;

/** Looks through the fields that hold such names; a topic's id counts as its name. */
export function mentions(
  request: unknown,
  name: string,
  kind: 'group' | 'topic',
  image: MetadataImage,
): boolean {
  const fields = kind === 'group' ? GROUP_FIELDS : TOPIC_FIELDS;
  const isIt = (value: unknown): boolean =>
    value === name ||
    (kind === 'topic' && typeof value === 'string' && image.topicsById.get(value)?.name === name);
  const look = (value: unknown, isNamed: boolean, depth: number): boolean => {
    if (typeof value === 'string') return isNamed && isIt(value);
    if (typeof value !== 'object' || value === null || depth > DEPTH_MAX || ArrayBuffer.isView(value))
      return false;
    if (Array.isArray(value)) return value.some((item) => look(item, isNamed, depth + 1));
    return Object.entries(value).some(([field, item]) => look(item, fields.has(field), depth + 1));
  };
  return look(request, false, 0);
}
