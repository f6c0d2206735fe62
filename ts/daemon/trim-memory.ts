type CollectGarbage = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/** The first requests, which often follow the start at once, should not wait for it. */
const AFTER_START_MS = 1500;
const AFTER_REQUEST_MS = 10_000;

export interface IdleTrim {
  /** A request has ended. */
  touch(): void;
  stop(): void;
}

/** Trims soon after the start, and whenever there was nothing to do for a while. Code that gets hot is optimised from now on. */
export function trimWhenIdle(isBusy: () => boolean): IdleTrim {
  process.getBuiltinModule('node:v8').setFlagsFromString('--opt');
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
 * Gives back what work took: the young generation that loading the modules has grown, and the bytecode of functions, which
 * are compiled anew when they are called; together about 10 MB of an idle daemon. Takes some 20 ms. Where V8 does not
 * offer it, nothing happens.
 */
function trimMemory(): void {
  try {
    const v8 = process.getBuiltinModule('node:v8');
    v8.setFlagsFromString('--expose-gc');
    const collect = process.getBuiltinModule('node:vm').runInNewContext('gc') as CollectGarbage;
    v8.setFlagsFromString('--no-expose-gc');
    v8.setFlagsFromString('--stress-flush-code');
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    v8.setFlagsFromString('--no-stress-flush-code');
  } catch {
    // Memory stays a little larger.
  }
}
