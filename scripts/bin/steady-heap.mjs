import process from 'node:process';

/**
 * What the daemon asks of glibc's allocator, and why. Bodies of requests, answers and streams are megabytes that come and go on several threads. By itself
 * glibc gives each thread an arena of its own, raises the size from which a block is mapped (and so given back) up to 32 MiB, and keeps
 * as much free memory at the top of the heap; what lies between blocks that are still used then never goes back. Attacked by 64 clients, a
 * daemon grew without end that way (200 to 331 MiB in five minutes), and stayed level with these (349 to 352 MiB in eight). Only glibc
 * knows the names, and reads them before the program begins. Runner processes get none of it: they use the same large buffers in every step.
 */
const HEAP = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '262144', MALLOC_TRIM_THRESHOLD_: '262144' };

/** Names the variables that this file has set, to the program that takes its own place. */
const ADDED = 'OMG_HEAP_ADDED';

/**
 * Begins the program anew in the same process, with the variables that nobody has set. Comes back where that is done, or where it has no effect. To
 * be called before anything else has begun. Later children inherit only what was there before.
 */
export function beginWithSteadyHeap(env = process.env) {
  const added = env[ADDED];
  if (added !== undefined) {
    for (const name of [ADDED, ...added.split(',')]) delete env[name];
    return;
  }
  const missing = missingHere(env);
  // A channel to the parent (`fork`) would not survive.
  if (Object.keys(missing).length === 0 || process.connected || process.execve === undefined || !hasGlibc()) return;
  try {
    process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
      ...env,
      ...missing,
      [ADDED]: Object.keys(missing).join(),
    });
  } catch {
    // Memory is less steady then.
  }
}

/** The variables to add to an environment: none that somebody has set, by its name or as a tunable. */
export function missingHere(env) {
  const tuned = env.GLIBC_TUNABLES?.includes('glibc.malloc.') ?? false;
  return Object.fromEntries(Object.entries(HEAP).filter(([name]) => !tuned && env[name] === undefined));
}

function hasGlibc() {
  if (process.platform !== 'linux') return false;
  // Addresses of open connections are resolved to names otherwise, which can take seconds.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime !== undefined;
}
