type CollectGarbage = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** The first requests, which often follow the start at once, should not wait for it. */
const AFTER_START_MS = 1500;
const AFTER_REQUEST_MS = 20_000;

export interface IdleTrim {
  /** A request has ended. */
  touch(): void;
  stop(): void;
}

/** Trims soon after the start, and whenever there was nothing to do for a while. */
export function trimWhenIdle(isBusy: () => boolean): IdleTrim {
  const trim = (): void => {
    if (!isBusy()) trimMemory();
  };
  let timer = setTimeout(trim, AFTER_START_MS).unref();
  return {
    touch(): void {
      clearTimeout(timer);
      timer = setTimeout(trim, AFTER_REQUEST_MS).unref();
    },
    stop: () => clearTimeout(timer),
  };
}

/**
 * Gives back what work took: V8 keeps the young generation that loading the modules has grown, about 6 MB of an idle
 * daemon. Takes some 20 ms. Where V8 does not offer it, nothing happens.
 */
function trimMemory(): void {
  try {
    const v8 = process.getBuiltinModule('node:v8');
    v8.setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc') as CollectGarbage;
    v8.setFlagsFromString('--no-expose-gc');
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  } catch {
    // Memory stays a little larger.
  }
}
