/** Work on several things, so many at once: things enter one by one, and what became of each leaves, in their order. */
export async function inParallel<T, R>(
  things: Iterable<T> | AsyncIterable<T>,
  jobs: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> {
  const outcomes: R[] = [];
  let begun = 0;
  const queue = (async function* () {
    yield* things;
  })();
  const worker = async (): Promise<void> => {
    for await (const thing of { [Symbol.asyncIterator]: () => ({ next: () => queue.next() }) }) {
      const index = begun++;
      outcomes[index] = await work(thing);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return outcomes;
}
