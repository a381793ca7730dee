/**
 * The search: seeds enter, generated sequences go to both arms, and unexplained differences leave, shrunk to the steps
 * and items that they need.
 */
import fc from 'fast-check';
import { type ProfileName, profiles } from '../../cluster/profiles.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { Arm } from './arm.ts';
import { type Comparison, compare, type Difference } from './compare.ts';
import { type Announced, sequences } from './generate.ts';
import { guardedSequences } from './guarded-sequences.ts';
import type { Sequence } from './step.ts';

export interface Failure {
  readonly seed: number;
  readonly index: number;
  readonly sequence: Sequence;
  readonly difference: Difference;
}

interface Numbered {
  readonly index: number;
  readonly sequence: Sequence;
}

export interface SearchOptions {
  readonly simulated: string;
  readonly real: string;
  readonly profile: ProfileName;
  /** Whether the addresses are of listeners on which clients have to log in (guard.ts). */
  readonly isGuarded?: boolean;
}

const DELETE_TOPICS = 20;
/** Those that make or ask for groups. */
const GROUP_APIS = new Set([8, 9, 11, 12, 13, 14, 15, 16, 28, 42, 47]);
const CHUNK = 200;

/** What both arms announce and the schemas know. */
export function announcedBy(profile: ProfileName): Announced[] {
  return [...profiles[profile].versions].flatMap(([key, range]) => {
    const api = apiByKey.get(key);
    if (api === undefined) return [];
    return [{ api, min: Math.max(range.min, api.versions.min), max: Math.min(range.max, api.versions.max) }];
  });
}

interface Arms {
  readonly simulated: Arm;
  readonly real: Arm;
}

const PATIENCE_MS = 12_000;

export class Search {
  readonly #profile: ProfileName;
  readonly #arms: Arms;
  /** Who tells silence from slowness: they wait ten times as long for what may be left unanswered. */
  readonly #patientArms: Arms;
  readonly #arbitrary: fc.Arbitrary<Sequence>;
  /** Whether a topic's deletion clears away other sequences' groups, as the old coordinator does with all that are empty. */
  readonly #clearsGroups: boolean;
  readonly #run = `${process.pid}-${process.hrtime.bigint() % 1_000_000n}`;
  #sequences = 0;
  /** How often each known difference was met. */
  readonly known = new Map<string, number>();

  constructor({ simulated, real, profile, isGuarded = false }: SearchOptions) {
    this.#profile = profile;
    this.#clearsGroups = profiles[profile].oldGroupCoordinator;
    const ways = { keepsTopics: this.#clearsGroups, isGuarded };
    const arms = (silenceMs?: number): Arms => {
      const own = { ...ways, ...(silenceMs === undefined ? {} : { silenceMs }) };
      return {
        simulated: new Arm('the simulated cluster', simulated, profile, own),
        real: new Arm('real Kafka', real, profile, own),
      };
    };
    this.#arms = arms();
    this.#patientArms = arms(PATIENCE_MS);
    this.#arbitrary = (isGuarded ? guardedSequences : sequences)(announcedBy(profile));
  }

  sequence(seed: number, index: number): Sequence {
    // Mixed, so that neighbouring seeds share nothing.
    const [sequence] = fc.sample(this.#arbitrary, { numRuns: 1, seed: Math.imul(seed, 1_000_003) + index });
    if (sequence === undefined) throw new Error('fast-check gave no sample');
    return sequence;
  }

  async compare(sequence: Sequence): Promise<Comparison> {
    const comparison = await this.#compareOn(this.#arms, sequence);
    const { unexplained } = comparison;
    // A busy machine is slow, and says nothing for a while too.
    const isSilence = [unexplained?.simulated, unexplained?.real].includes('silent');
    return isSilence ? await this.#compareOn(this.#patientArms, sequence) : comparison;
  }

  async #compareOn({ simulated, real }: Arms, sequence: Sequence): Promise<Comparison> {
    this.#sequences += 1;
    const prefix = `fuzz-${this.#run}-${this.#sequences}.`;
    const startedMs = Date.now() - 60_000;
    const [ours, theirs] = await Promise.all([simulated.run(sequence, prefix), real.run(sequence, prefix)]);
    return compare(sequence, ours, theirs, { prefix, startedMs, release: this.#profile });
  }

  /** @param stop no more sequences are begun once it is true */
  async search(
    seed: number,
    runs: number,
    jobs: number,
    found: (failure: Failure) => void,
    stop: () => boolean = () => false,
    progress: (done: number) => void = () => undefined,
  ): Promise<number> {
    let done = 0;
    const run = async ({ index, sequence }: Numbered): Promise<void> => {
      const { unexplained, known } = await this.compare(sequence);
      for (const reason of known) this.known.set(reason, (this.known.get(reason) ?? 0) + 1);
      if (unexplained !== null) found({ seed, index, sequence, difference: unexplained });
      done += 1;
      progress(done);
    };
    const chunk = this.#clearsGroups ? CHUNK : runs;
    for (let start = 0; start < runs && !stop(); start += chunk) {
      const numbered = Array.from({ length: Math.min(chunk, runs - start) }, (_, at) => ({
        index: start + at,
        sequence: this.sequence(seed, start + at),
      }));
      for (const { together, workers } of this.#phases(numbered, jobs)) {
        const waiting = together.values();
        const work = async (): Promise<void> => {
          for (const one of waiting) {
            if (stop()) return;
            await run(one);
          }
        };
        await Promise.all(Array.from({ length: workers }, work));
      }
      if (this.#clearsGroups)
        await Promise.all(
          [this.#arms, this.#patientArms].flatMap(({ simulated, real }) => [simulated.tidy(), real.tidy()]),
        );
    }
    return done;
  }

  /** What can run at the same time without one sequence clearing away the groups of another. */
  #phases(all: readonly Numbered[], jobs: number): { together: readonly Numbered[]; workers: number }[] {
    if (!this.#clearsGroups) return [{ together: all, workers: jobs }];
    const deletes = ({ sequence: { steps } }: Numbered): boolean =>
      steps.some(({ apiKey }) => apiKey === DELETE_TOPICS);
    const hasGroups = ({ sequence: { steps } }: Numbered): boolean =>
      steps.some(({ apiKey }) => GROUP_APIS.has(apiKey));
    return [
      { together: all.filter((one) => hasGroups(one) && !deletes(one)), workers: jobs },
      { together: all.filter((one) => !hasGroups(one)), workers: jobs },
      { together: all.filter((one) => hasGroups(one) && deletes(one)), workers: 1 },
    ];
  }

  /** Drops steps, then items of lists, as long as a difference at the same place of the same API stays. */
  async shrink({
    sequence,
    difference,
  }: Pick<Failure, 'sequence' | 'difference'>): Promise<Pick<Failure, 'sequence' | 'difference'>> {
    let best = { sequence, difference };
    const signature = signatureOf(sequence, difference);
    for (let isSmaller = true; isSmaller; ) {
      isSmaller = false;
      for (const candidate of smaller(best.sequence)) {
        const { unexplained } = await this.compare(candidate);
        if (unexplained === null || signatureOf(candidate, unexplained) !== signature) continue;
        best = { sequence: candidate, difference: unexplained };
        isSmaller = true;
        break;
      }
    }
    return best;
  }
}

/** The API and the place of a difference, without positions in lists. */
export const signatureOf = ({ steps }: Sequence, { step, path }: Difference): string => {
  const apiKey = steps[step]?.apiKey ?? -1;
  return `${apiByKey.get(apiKey)?.name ?? apiKey} ${path.replace(/\.\d+/g, '.*')}`;
};

function* smaller({ steps }: Sequence): Generator<Sequence> {
  for (let index = steps.length - 1; index >= 0 && steps.length > 1; index--)
    yield { steps: steps.filter((_, at) => at !== index) };
  for (const [index, step] of steps.entries())
    for (const body of smallerValues(step.body)) yield { steps: steps.with(index, { ...step, body }) };
}

function* smallerValues(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    // Not the last one: lists of nothing are answered in ways of their own.
    for (let index = value.length - 1; index >= 0 && value.length > 1; index--)
      yield value.filter((_, at) => at !== index);
    for (const [index, item] of value.entries())
      for (const one of smallerValues(item)) yield value.with(index, one);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value))
      for (const one of smallerValues(item)) yield { ...value, [name]: one };
  }
}
