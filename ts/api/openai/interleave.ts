/** Events of several sources as they come, each with the index of its source. Leaving early, or a failure, ends all of them. */
export async function* interleave<Event>(sources: AsyncIterable<Event>[]): AsyncGenerator<[number, Event]> {
  const first = sources[0];
  if (sources.length === 1 && first !== undefined) {
    for await (const event of first) yield [0, event];
    return;
  }
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const step = (index: number, iterator: AsyncIterator<Event>) => iterator.next().then((result) => ({ index, result }));
  const pending = new Map(iterators.map((iterator, index) => [index, step(index, iterator)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      const iterator = iterators[index];
      if (result.done || iterator === undefined) pending.delete(index);
      else {
        yield [index, result.value];
        pending.set(index, step(index, iterator));
      }
    }
  } finally {
    for (const promise of pending.values()) promise.catch(() => {});
    await Promise.allSettled([...pending.keys()].map((index) => iterators[index]?.return?.()));
  }
}
