/** A share of a run for one of several machines: `i/n` enters, which scenarios are its own leaves. */
import { InvalidArgumentError } from 'commander';

export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

const SHARDS_MAX = 10_000;

/** @throws InvalidArgumentError for anything but i/n with i from 1 to n */
export function parseShard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [number, of] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || number < 1 || of < number || of > SHARDS_MAX)
    throw new InvalidArgumentError('Expected i/n with i from 1 to n, such as 2/4.');
  return { number, of };
}

/** Every n-th scenario, so that each shard has its part of every region of the run. */
export const isInShard = ({ number, of }: Shard, index: number): boolean => index % of === number - 1;

/** How many of so many scenarios it has. */
export const sizeOfShard = ({ number, of }: Shard, runs: number): number =>
  Math.max(0, Math.ceil((runs - (number - 1)) / of));
