/**
 * DeleteTopics (API key 20), versions 1 to 6, by name and from 6 on by id as well: passed on to the controller. The logs
 * go as soon as a broker learns of it.
 */
import type { Handler, RequestContext } from '../handler.ts';
import { type DeleteTopicsRequest, deleteTopicsApi } from '../protocol/20-delete-topics.ts';
import { uuid } from '../protocol/codec.ts';
import { errorCode } from '../protocol/errors.ts';

type Answer = Parameters<typeof deleteTopicsApi.response.write>[1];

const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const UNKNOWN_TOPIC_ID = errorCode('UNKNOWN_TOPIC_ID');

interface Named {
  readonly name: string | null;
  readonly topicId: string;
}

const wanted = (request: DeleteTopicsRequest, version: number): readonly Named[] =>
  version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: uuid.empty }));

function remove({ cluster }: RequestContext, { name, topicId }: Named): Answer['responses'][number] {
  if (!isEither({ name, topicId }))
    return {
      name,
      topicId,
      errorCode: INVALID_REQUEST,
      errorMessage: 'Expected either a topic name or a topic id.',
    };
  const { topics, topicsById } = cluster.controller.image;
  const topic = name === null ? topicsById.get(topicId) : topics.get(name);
  if (topic === undefined && name === null)
    return {
      name,
      topicId,
      errorCode: UNKNOWN_TOPIC_ID,
      errorMessage: 'This server does not host this topic ID.',
    };
  const outcome = cluster.controller.deleteTopic(topic?.name ?? (name as string));
  return {
    name: topic?.name ?? name,
    topicId: topic?.id ?? topicId,
    errorCode: outcome.errorCode,
    errorMessage: outcome.message,
  };
}

const isEither = ({ name, topicId }: Named): boolean => (name === null) !== (topicId === uuid.empty);
const areSame = (one: Named, other: Named): boolean =>
  one.name === other.name && one.topicId === other.topicId;

/** What is named twice is refused, and answered once. */
function removeAll(context: RequestContext, all: readonly Named[]): Answer['responses'] {
  const responses: Answer['responses'][number][] = [];
  for (const [position, one] of all.entries()) {
    const same = all.filter((other) => isEither(one) && areSame(one, other));
    if (same.length <= 1) responses.push(remove(context, one));
    else if (all.findIndex((other) => areSame(one, other)) === position)
      responses.push({ ...one, errorCode: INVALID_REQUEST, errorMessage: 'Duplicate topic name or id.' });
  }
  return responses;
}

export const deleteTopics: Handler<DeleteTopicsRequest, Answer> = {
  api: deleteTopicsApi,
  handle(context, request, version, respond) {
    context.broker.toController(() => {
      respond({ responses: removeAll(context, wanted(request, version)) });
    });
  },
  errorAnswer: (request, code, version) => ({
    responses: wanted(request, version).map(({ name, topicId }) => ({ name, topicId, errorCode: code })),
  }),
};
