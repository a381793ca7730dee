/** What a pipeline calls the record that it makes of another: where that one lies enters, a record id leaves, and back again. */

const COPY = /^copy-(\d+)-(\d+)-(\d+)$/;

/** @param place of the topic in the group's list: its real name differs from run to run on a shared cluster */
export const copyOf = (place: number, partition: number, offset: string): string =>
  `copy-${place}-${partition}-${offset}`;

export interface Copied {
  readonly place: number;
  readonly partition: number;
  readonly offset: number;
}

/** What a record is a copy of, or null where it is none. */
export function copiedBy(record: string): Copied | null {
  const [, place, partition, offset] = COPY.exec(record) ?? [];
  return place === undefined
    ? null
    : { place: Number(place), partition: Number(partition), offset: Number(offset) };
}
