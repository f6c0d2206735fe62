/** What some work reports, the newest where a reader is slow, and at the end what it gives. Throws what the work throws. */
export async function* reportsOf<Report, Result>(
  work: (report: (value: Report) => void) => Promise<Result>,
): AsyncGenerator<Report, Result> {
  let latest: { value: Report } | undefined;
  let wake = (): void => {};
  let isDone = false;
  const result = work((value) => {
    latest = { value };
    wake();
  }).finally(() => {
    isDone = true;
    wake();
  });
  result.catch(() => {});
  while (!isDone) {
    if (latest !== undefined) {
      const { value } = latest;
      latest = undefined;
      yield value;
      continue;
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  return await result;
}
