/**
 * Decides when a run has settled: the run's events enter, and one sentence for each thing that is still missing
 * leaves; no sentences means that every group with live members is stable, owns everything and has drained it.
 *
 * Silence proves nothing about a consumer, so the harness writes a marker record into each partition and waits until
 * the group has processed it and committed past it. A group that starts at the log end may legally miss a marker that
 * was written before it found its position, so partitions that are not drained get another marker now and then.
 */
import { type Group, isByHand } from '../../scenarios/schema.ts';
import { MemberProcesses } from '../history/member-processes.ts';
import { type GroupMember, MARKER_PREFIX } from '../history/schema.ts';
import type { RunContext, RunEvent } from './run-context.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

interface GroupState {
  /** The members of the last generation, or null while it is empty or unknown. */
  stableMembers: readonly GroupMember[] | null;
  /** Partitions owned in the last stable generation. */
  owned: Set<string>;
  /** Highest marker offset that some member processed, per partition. */
  processedMarker: Map<string, number>;
  committed: Map<string, number>;
}

export class DrainTracker {
  readonly #context: RunContext;
  readonly #live: (group: string) => string[];
  readonly #wantsMembers: (group: string) => boolean;
  readonly #reads: (group: string, one: TopicPartition) => boolean;
  readonly #groups = new Map<string, GroupState>();
  /** Offset of the newest marker per partition. */
  readonly #markers = new Map<string, number>();
  /** How far the logs are known to reach since markers are written: to the marker, or to what came in behind it. */
  readonly #logEnds = new Map<string, number>();
  /** Markers whose processing has begun. */
  readonly #begun = new Set<string>();
  /** Processes whose client said that it stopped for good. */
  readonly #gaveUp = new Set<string>();
  /** Processes whose application stopped its consumer and has not joined again, each with its group. */
  readonly #stopped = new Set<string>();
  readonly #memberProcesses = new MemberProcesses();
  /** The first offset that the logs have, since markers are written: what had been deleted may have come back with a leader. */
  readonly #logStarts = new Map<string, number>();

  constructor(
    context: RunContext,
    live: (group: string) => string[],
    wantsMembers: (group: string) => boolean,
    /** Whether a member that is wanted may come to read the partition. */
    reads: (group: string, one: TopicPartition) => boolean,
  ) {
    this.#context = context;
    this.#reads = reads;
    this.#live = live;
    this.#wantsMembers = wantsMembers;
    for (const group of context.scenario.groups)
      this.#groups.set(group.id, {
        stableMembers: null,
        owned: new Set(),
        processedMarker: new Map(),
        committed: new Map(),
      });
    context.onEvent((event) => this.#observe(event));
  }

  logStartsAt(topicPartition: TopicPartition, offset: number): void {
    this.#logStarts.set(keyOf(topicPartition), offset);
  }

  markerWritten(topicPartition: TopicPartition, offset: number): void {
    this.#markers.set(keyOf(topicPartition), offset);
    this.#reachesTo(keyOf(topicPartition), offset + 1);
  }

  /** Partitions that some group with live members has not drained up to its newest marker. */
  undrainedPartitions(partitions: readonly TopicPartition[]): TopicPartition[] {
    return partitions.filter((one) =>
      this.#wantedGroups().some(
        (group) => this.#reads(group.id, one) && this.#missing(group.id, one) !== null,
      ),
    );
  }

  /** What is missing, one sentence each; empty where the run has settled. */
  undrained(partitions: readonly TopicPartition[]): string[] {
    return this.#missingFrom(this.#watchedGroups(partitions), partitions, this.#live);
  }

  /**
   * The part of it that more time can still bring. A client that has said that it stopped for good will not come
   * back, and waiting out the bound for it would only cost time; `undrained` names it all the same. One whose application
   * has just stopped it, to run it again, is about to leave a group that still looks complete.
   */
  pending(partitions: readonly TopicPartition[]): string[] {
    const working = (group: string): string[] => this.#live(group).filter((name) => !this.#gaveUp.has(name));
    const groups = this.#watchedGroups(partitions).filter(
      (group) => working(group.id).length > 0 || this.#live(group.id).length === 0,
    );
    return [
      ...this.#missingFrom(groups, partitions, working),
      ...groups
        .filter((group) => !isByHand(group))
        .flatMap(({ id }) =>
          working(id)
            .filter((name) => this.#stopped.has(placeKey(id, name)))
            .map((name) => `${name} has stopped its consumer and not joined group ${id} again`),
        ),
    ];
  }

  #missingFrom(
    groups: readonly Group[],
    partitions: readonly TopicPartition[],
    expected: (group: string) => string[],
  ): string[] {
    return groups.flatMap((group) => {
      const state = this.#state(group.id);
      const live = expected(group.id).sort();
      const members = (state.stableMembers ?? [])
        .map((member) => this.#memberProcesses.processOf(member))
        .sort();
      const sentences: string[] = [];
      if (!isByHand(group) && (state.stableMembers === null || live.join() !== members.join()))
        sentences.push(
          `group ${group.id} has the live members ${list(live)}, but its last generation has ${list(members)}`,
        );
      for (const one of partitions) {
        if (!this.#reads(group.id, one)) continue;
        if (state.stableMembers !== null && !state.owned.has(keyOf(one)))
          sentences.push(`${keyOf(one)} has no owner in group ${group.id}`);
        const missing = this.#missing(group.id, one);
        if (missing !== null) sentences.push(missing);
      }
      return sentences;
    });
  }

  #wantedGroups(): readonly Group[] {
    return this.#context.scenario.groups.filter((group) => this.#wantsMembers(group.id));
  }

  #watchedGroups(partitions: readonly TopicPartition[]): readonly Group[] {
    return this.#wantedGroups().filter((group) => this.#canStart(group, partitions));
  }

  /**
   * With auto.offset.reset none the members of a group fail, again and again, wherever nothing has been committed or
   * what was committed is not in the log: deleted from its start, or beyond its end.
   */
  #canStart({ id, autoOffsetReset }: Group, partitions: readonly TopicPartition[]): boolean {
    if (autoOffsetReset !== 'none') return true;
    const { committed } = this.#state(id);
    return partitions
      .filter((one) => this.#reads(id, one))
      .every((one) => {
        const offset = committed.get(keyOf(one)) ?? -1;
        const end = this.#logEnds.get(keyOf(one)) ?? Number.POSITIVE_INFINITY;
        return offset >= (this.#logStarts.get(keyOf(one)) ?? 0) && offset <= end;
      });
  }

  #reachesTo(key: string, end: number): void {
    this.#logEnds.set(key, Math.max(this.#logEnds.get(key) ?? 0, end));
  }

  #missing(groupId: string, one: TopicPartition): string | null {
    const state = this.#state(groupId);
    const key = keyOf(one);
    const marker = this.#markers.get(key);
    if (marker === undefined) return `${key} has no marker yet`;
    const processed = state.processedMarker.get(key) ?? -1;
    if (processed < marker)
      return `group ${groupId} has not processed ${key} up to its end, offset ${marker}`;
    const commits =
      this.#context.scenario.groups.find((group) => group.id === groupId)?.commitMode.kind !== 'none';
    const committed = state.committed.get(key);
    if (commits && (committed ?? -1) <= marker)
      return `group ${groupId} has processed ${key} to its end, offset ${marker}, but committed ${committed ?? 'nothing'}`;
    return null;
  }

  #state(group: string): GroupState {
    const state = this.#groups.get(group);
    if (state === undefined) throw new Error(`no group is called ${group}`);
    return state;
  }

  #observe(event: RunEvent): void {
    this.#memberProcesses.observe(event);
    switch (event.kind) {
      case 'group-generation': {
        const state = this.#state(event.group);
        state.stableMembers = event.state === 'stable' ? event.members : null;
        state.owned = new Set(
          event.members.flatMap((member) =>
            member.assignment.flatMap(({ topic, partitions }) =>
              partitions.map((partition) => keyOf({ topic, partition })),
            ),
          ),
        );
        return;
      }
      case 'processing-begin':
        // A marker counts when its processing ended; the end event has no record id, so remember it here.
        if (event.record?.startsWith(MARKER_PREFIX)) this.#begun.add(processingKey(event));
        return;
      case 'processing-end':
        // What a producer sent at its end may come in behind the marker; what comes before may have been lost since.
        if (this.#markers.has(keyOf(event))) this.#reachesTo(keyOf(event), Number(event.offset) + 1);
        if (event.outcome === 'ok' && this.#begun.size > 0 && this.#begun.has(processingKey(event))) {
          const processed = this.#state(event.group).processedMarker;
          const key = keyOf(event);
          processed.set(key, Math.max(processed.get(key) ?? -1, Number(event.offset)));
        }
        return;
      case 'commit-accepted':
        this.#state(event.group).committed.set(keyOf(event), Number(event.offset));
        return;
      case 'application-call':
        if (event.call === 'stop') this.#stopped.add(placeKey(event.group, event.process));
        // Whatever became of the consumer before, it is run anew.
        if (event.call === 'run') this.#gaveUp.delete(event.process);
        return;
      case 'client-joined':
        this.#stopped.delete(placeKey(event.group, event.process));
        return;
      case 'client-crashed':
        if (!event.restart) this.#gaveUp.add(event.process);
        return;
      case 'commit-removed':
        this.#state(event.group).committed.delete(keyOf(event));
        return;
    }
  }
}

const placeKey = (group: string, process: string): string => `${process} ${group}`;

const processingKey = (event: {
  process: string;
  group: string;
  topic: string;
  partition: number;
  offset: string;
}) => `${event.process} ${event.group} ${event.topic}-${event.partition}@${event.offset}`;

const list = (names: readonly string[]): string => (names.length === 0 ? 'nobody' : names.join(', '));
