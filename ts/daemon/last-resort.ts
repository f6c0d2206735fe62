/** Kinds of work that a thread of the process does for as long as the system lets it. */
const BLOCKING = /^(FSReq|GetAddrInfoReq|GetNameInfoReq|StatWatcher)/;

/**
 * Ends this process with an exit code. Where a thread waits for a file that may never come (a network disk, a device), Node would wait for the
 * thread, so the process is killed then.
 */
export function endProcess(exitCode: number): void {
  if (isBlocked()) process.kill(process.pid, 'SIGKILL');
  else process.exit(exitCode);
}

/** Kills the process when it is still there after so long. Keeps nothing alive. Returns what calls it off. */
export function killAfter(ms: number): () => void {
  const timer = setTimeout(() => process.kill(process.pid, 'SIGKILL'), ms);
  timer.unref();
  return () => clearTimeout(timer);
}

function isBlocked(): boolean {
  return process.getActiveResourcesInfo().some((kind) => BLOCKING.test(kind));
}
