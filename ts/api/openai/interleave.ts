/**
 * Events of several sources as they come, each with the index of its source. Every source is asked for one event at a time. Leaving early,
 * or a failure, ends all of them.
 */
export async function* interleave<Event>(sources: AsyncIterable<Event>[]): AsyncGenerator<[number, Event]> {
  const first = sources[0];
  if (sources.length === 1 && first !== undefined) {
    for await (const event of first) yield [0, event];
    return;
  }
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const open = new Set(iterators.keys());
  // One line for all: to race the promises of hundreds of sources anew at each event costs more than the events.
  const ready: ({ index: number; result: IteratorResult<Event> } | { error: unknown })[] = [];
  let wake = (): void => {};
  const ask = (index: number): void => {
    iterators[index]?.next().then(
      (result) => {
        ready.push({ index, result });
        wake();
      },
      (error: unknown) => {
        ready.push({ error });
        wake();
      },
    );
  };
  for (const index of open) ask(index);
  try {
    while (open.size > 0) {
      if (ready.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      for (const step of ready.splice(0)) {
        if ('error' in step) throw step.error;
        if (step.result.done) open.delete(step.index);
        else {
          yield [step.index, step.result.value];
          ask(step.index);
        }
      }
    }
  } finally {
    await Promise.allSettled([...open].map((index) => iterators[index]?.return?.()));
  }
}
