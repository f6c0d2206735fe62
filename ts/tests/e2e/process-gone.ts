/** Waits until a process is no more; an error says that it stays. */
export async function gone(pid: number): Promise<void> {
  for (let round = 0; round < 500; round++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`process ${pid} is still there`);
}
