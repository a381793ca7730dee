/** Group coordinators that are broken on purpose: requests of members enter, and something wrong becomes of them. */
import { REBALANCE_IN_PROGRESS } from '../group/error-codes.ts';
import { offsetCommitApi } from '../protocol/08-offset-commit.ts';
import { offsetFetchApi } from '../protocol/09-offset-fetch.ts';
import { joinGroupApi } from '../protocol/11-join-group.ts';
import { heartbeatApi } from '../protocol/12-heartbeat.ts';
import { syncGroupApi } from '../protocol/14-sync-group.ts';
import { endTxnApi } from '../protocol/26-end-txn.ts';
import { decodeAssignment, encodeAssignment } from '../protocol/consumer-protocol.ts';
import { type Breakage, breaking, every } from './breakage.ts';

/** Kafka has no shorter or longer one here (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`). */
const SESSION_MIN_MS = 500;
const SESSION_MAX_MS = 1_800_000;

const withSessionTimeout = (change: (sessionTimeoutMs: number) => number): Breakage[] => [
  breaking(
    joinGroupApi,
    (handle) => (context, request, version, respond) =>
      handle(context, { ...request, sessionTimeoutMs: change(request.sessionTimeoutMs) }, version, respond),
  ),
];

/** Sessions are a quarter as long as the member asked for. */
export const impatient = (): Breakage[] =>
  withSessionTimeout((sessionTimeoutMs) => Math.max(SESSION_MIN_MS, Math.floor(sessionTimeoutMs / 4)));

/** Sessions do not end. */
export const patient = (): Breakage[] => withSessionTimeout(() => SESSION_MAX_MS);

/** Sends the members of a stable group into a rebalance now and then. */
export const restlessCoordinator = (): Breakage[] => {
  const isDue = every(25);
  return [
    breaking(
      heartbeatApi,
      (handle) => (context, request, version, respond) =>
        handle(context, request, version, (answer) =>
          respond(
            answer !== null && answer !== 'close' && answer.errorCode === 0 && isDue()
              ? { ...answer, errorCode: REBALANCE_IN_PROGRESS }
              : answer,
          ),
        ),
    ),
  ];
};

/** Confirms every seventh commit without writing it. */
export const forgetful = (): Breakage[] => {
  const isDue = every(7);
  return [
    breaking(offsetCommitApi, (handle) => (context, request, version, respond) => {
      if (!isDue()) return handle(context, request, version, respond);
      const topics = request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: 0 })),
      }));
      respond({ throttleTimeMs: 0, topics });
    }),
  ];
};

interface Identity {
  readonly memberId: string;
  readonly generationId: number;
}

/** The identities with which commits of groups are accepted, by group: the last member that asked for its assignment. */
function watchIdentities(): {
  readonly identities: ReadonlyMap<string, Identity>;
  readonly breakage: Breakage;
} {
  const identities = new Map<string, Identity>();
  const breakage = breaking(syncGroupApi, (handle) => (context, request, version, respond) => {
    const { groupId, memberId, generationId } = request;
    if ((identities.get(groupId)?.generationId ?? -1) <= generationId)
      identities.set(groupId, { memberId, generationId });
    handle(context, request, version, respond);
  });
  return { identities, breakage };
}

/** Accepts the commits of replaced generations. */
export const lenient = (): Breakage[] => {
  const { identities, breakage } = watchIdentities();
  return [
    breakage,
    breaking(offsetCommitApi, (handle) => (context, request, version, respond) => {
      const current = identities.get(request.groupId);
      const isStale =
        current !== undefined &&
        request.generationIdOrMemberEpoch >= 0 &&
        request.generationIdOrMemberEpoch < current.generationId;
      const accepted = isStale
        ? {
            ...request,
            memberId: current.memberId,
            generationIdOrMemberEpoch: current.generationId,
            groupInstanceId: null,
          }
        : request;
      handle(context, accepted, version, respond);
    }),
  ];
};

/** Writes what one group commits into another group too. */
export const mixedUp = (): Breakage[] => {
  const { identities, breakage } = watchIdentities();
  return [
    breakage,
    breaking(offsetCommitApi, (handle) => (context, request, version, respond) => {
      handle(context, request, version, respond);
      const other = [...identities].find(([group]) => group !== request.groupId);
      if (other === undefined) return;
      const [groupId, { memberId, generationId }] = other;
      const mixed = {
        ...request,
        groupId,
        memberId,
        generationIdOrMemberEpoch: generationId,
        groupInstanceId: null,
      };
      handle(context, mixed, version, () => {});
    }),
  ];
};

/** Answers every third committed offset one too high. */
export const skipping = (): Breakage[] => {
  const isDue = every(3);
  const raise = <P extends { readonly committedOffset: bigint }>(one: P): P =>
    one.committedOffset >= 0n && isDue() ? { ...one, committedOffset: one.committedOffset + 1n } : one;
  return [
    breaking(
      offsetFetchApi,
      (handle) => (context, request, version, respond) =>
        handle(context, request, version, (answer) => {
          if (answer === null || answer === 'close') return respond(answer);
          const raised = <T extends { readonly partitions: readonly { readonly committedOffset: bigint }[] }>(
            topic: T,
          ): T => ({ ...topic, partitions: topic.partitions.map(raise) });
          respond({
            ...answer,
            ...(answer.topics === undefined ? {} : { topics: answer.topics.map(raised) }),
            ...(answer.groups === undefined
              ? {}
              : { groups: answer.groups.map((one) => ({ ...one, topics: one.topics.map(raised) })) }),
          });
        }),
    ),
  ];
};

/** Tells one member of each generation that it has a partition which the record gives to another. */
export const twoFaced = (): Breakage[] => {
  const shares = new Map<string, ReadonlyMap<string, Uint8Array>>();
  return [
    breaking(syncGroupApi, (handle) => (context, request, version, respond) => {
      const { groupId, memberId, generationId, assignments } = request;
      const place = `${groupId} ${generationId}`;
      if (assignments.length > 0)
        // Copies, since the request's bytes are views of its frame.
        shares.set(place, new Map(assignments.map((one) => [one.memberId, Buffer.from(one.assignment)])));
      handle(context, request, version, (answer) => {
        const others = [...(shares.get(place) ?? [])].filter(
          ([id, bytes]) => id !== memberId && bytes.length > 0,
        );
        const isLast = [...(shares.get(place)?.keys() ?? [])].sort().at(-1) === memberId;
        if (answer === null || answer === 'close' || answer.errorCode !== 0 || !isLast)
          return respond(answer);
        const own = answer.assignment.length === 0 ? null : decodeAssignment(answer.assignment as Uint8Array);
        const extra = others
          .flatMap(([, bytes]) => decodeAssignment(bytes).assignment)
          .find(({ partitions }) => partitions.length > 0);
        if (own === null || extra === undefined) return respond(answer);
        const added = { topic: extra.topic, partitions: extra.partitions.slice(0, 1) };
        const merged = own.assignment.some(({ topic }) => topic === added.topic)
          ? own.assignment.map((one) =>
              one.topic === added.topic
                ? { topic: one.topic, partitions: [...one.partitions, ...added.partitions] }
                : one,
            )
          : [...own.assignment, added];
        respond({ ...answer, assignment: encodeAssignment({ ...own, assignment: merged }) });
      });
    }),
  ];
};

/** Commits the transactions that it is asked to abort. */
export const stubborn = (): Breakage[] => [
  breaking(
    endTxnApi,
    (handle) => (context, request, version, respond) =>
      handle(context, { ...request, committed: true }, version, respond),
  ),
];
