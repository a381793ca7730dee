/** What an application that resolves a batch in part works on: its records enter, the first half of them, or all, leaves. */
export const firstPart = <T>(records: readonly T[], isPartial: boolean): readonly T[] =>
  isPartial ? records.slice(0, Math.ceil(records.length / 2)) : records;
