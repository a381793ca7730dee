/**
 * Topics that are deleted and created again: actions on topics enter, one at a time gets its topic, and a topic that was
 * deleted comes back, whoever was faster and whatever is missing at first.
 */
import type { Action } from '../../scenarios/schema.ts';
import { messageOf } from '../errors.ts';
import { ACTION_DEADLINE_MS, type Administration } from './administration.ts';
import { DeadlineExceededError, KafkaRequestError } from './kafka/observer/kafka-error.ts';
import { type RunContext, sleepUntil, waitMs } from './run-context.ts';

type Recreation = Extract<Action, { kind: 'recreate-topic' }>;

/** Brokers that are to hold the topic come back when their faults end. */
const CREATION_MS_MAX = 180_000;
const CREATION_RETRY_MS = 500;

export class Recreations {
  readonly #context: RunContext;
  readonly #admin: Administration;
  /** By topic: what else is being done to it. */
  readonly #others = new Map<string, Set<Promise<unknown>>>();
  readonly #underWay = new Map<string, { readonly untilMs: number; readonly ended: Promise<unknown> }>();

  constructor(context: RunContext, admin: Administration) {
    this.#context = context;
    this.#admin = admin;
  }

  /**
   * Carries an action out when the topic is there as far as recreations go. By the scenario's times, so that every world
   * does the same: while the topic is meant to be away an action on it is not carried out, and a creation that is late
   * is waited for.
   * @param carryOut is called at the very moment of its turn, since another may wait for the same one; it gets why the
   * action is to be skipped, or null
   */
  async inTurn<Outcome>(
    { topic, atMs }: { readonly topic: string; readonly atMs: number },
    carryOut: (skipped: string | null) => Promise<Outcome>,
  ): Promise<Outcome> {
    for (;;) {
      const other = this.#underWay.get(topic);
      if (other === undefined) return await this.#noted(topic, carryOut(null));
      if (atMs < other.untilMs) return await carryOut('the topic is being recreated');
      await other.ended;
    }
  }

  async #noted<Outcome>(topic: string, outcome: Promise<Outcome>): Promise<Outcome> {
    const others = this.#others.get(topic) ?? new Set();
    this.#others.set(topic, others.add(outcome));
    try {
      return await outcome;
    } finally {
      others.delete(outcome);
    }
  }

  /**
   * To be called as soon as it has its turn. What else is being done to the topic comes to its end before: partitions that are
   * being added are there to be counted.
   * @returns how many partitions the topic had and has, or why it is the old one still
   * @throws where the topic does not come back: without it the rest of the run has no meaning
   */
  async recreate(action: Recreation): Promise<{ skipped: string } | { detail: { partitions: number } }> {
    const before = [...(this.#others.get(action.topic) ?? [])];
    const recreation = Promise.allSettled(before).then(async () => await this.#recreate(action));
    // Whether it fails is its own caller's matter.
    const ended = recreation.catch(() => {}).finally(() => this.#underWay.delete(action.topic));
    this.#underWay.set(action.topic, { untilMs: action.atMs + action.durationMs, ended });
    return await recreation;
  }

  async #recreate({ topic, atMs, durationMs }: Recreation) {
    const name = this.#context.names.real(topic);
    let partitions = 0;
    try {
      partitions = (await this.#admin.logOffsets(name, ACTION_DEADLINE_MS)).length;
      await this.#admin.deleteTopics([name], ACTION_DEADLINE_MS);
    } catch (error) {
      this.#context.signal.throwIfAborted();
      // A deletion that was given up may have been carried out.
      if (partitions > 0) await this.#create(topic, partitions);
      return { skipped: messageOf(error) };
    }
    await sleepUntil(this.#context, atMs + durationMs);
    await this.#create(topic, partitions);
    return { detail: { partitions } };
  }

  async #create(topic: string, partitions: number): Promise<void> {
    const name = this.#context.names.real(topic);
    const { topics } = this.#context.scenario.topology;
    const replicationFactor = topics.find((one) => one.name === topic)?.replicationFactor ?? 1;
    const deadlineMs = this.#context.now() + CREATION_MS_MAX;
    for (;;) {
      try {
        return await this.#admin.createTopics([{ name, partitions, replicationFactor }], ACTION_DEADLINE_MS);
      } catch (error) {
        this.#context.signal.throwIfAborted();
        if (isAnswer(error, 'TOPIC_ALREADY_EXISTS')) return await this.#complete(name, partitions);
        // Too few brokers for the replicas, or none that answers: they are on their way back.
        const passes =
          isAnswer(error, 'INVALID_REPLICATION_FACTOR') || error instanceof DeadlineExceededError;
        if (!passes || this.#context.now() >= deadlineMs) throw error;
      }
      await waitMs(this.#context, CREATION_RETRY_MS);
    }
  }

  /** A client that asked for the topic by name may have created it, with fewer partitions. */
  async #complete(name: string, partitions: number): Promise<void> {
    const present = (await this.#admin.logOffsets(name, ACTION_DEADLINE_MS)).length;
    if (present < partitions) await this.#admin.addPartitions(name, partitions, ACTION_DEADLINE_MS);
  }
}

const isAnswer = (error: unknown, errorName: string): boolean =>
  error instanceof KafkaRequestError && error.errorName === errorName;
