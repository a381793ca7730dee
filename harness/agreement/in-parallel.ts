/** Work on several things, so many at once: things enter one by one, and each outcome is handed over when it is there. */
export async function inParallel<T, R>(
  things: Iterable<T> | AsyncIterable<T>,
  jobs: number,
  work: (thing: T) => Promise<R>,
  onOutcome: (outcome: R) => Promise<void> | void,
): Promise<void> {
  const queue = (async function* () {
    yield* things;
  })();
  const worker = async (): Promise<void> => {
    for await (const thing of { [Symbol.asyncIterator]: () => ({ next: () => queue.next() }) })
      await onOutcome(await work(thing));
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
