import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Library } from './index.ts';
import { ggufInput, temporaryFolder } from './test-store.ts';

/** What a disk without a free byte does: files can still be made, and nothing written into them. `contract/full-disk.test.ts` has a real one. */
const disk = vi.hoisted(() => ({ isFull: false }));
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await fs.open(path, flags, mode);
    const write = handle.writeFile.bind(handle);
    handle.writeFile = async (...data) => {
      if (disk.isFull) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      await write(...data);
    };
    return handle;
  };
  return { ...fs, open };
});
afterEach(() => {
  disk.isFull = false;
});

test('removing and collecting need no space; what does says so and leaves nothing', async () => {
  const root = await temporaryFolder();
  const library = new Library({ modelsDir: join(root, 'models') });
  await library.install(await ggufInput(library, 'one', { 'a.gguf': 'GGUF a' }));
  const second = await ggufInput(library, 'two', { 'b.gguf': 'GGUF b' });
  disk.isFull = true;
  await expect(library.install(second)).rejects.toMatchObject({ code: 'disk_full' });
  await expect(library.lease(['x'])).rejects.toMatchObject({ code: 'disk_full' });
  expect((await library.remove('one')).freedBytes).toBeGreaterThan(0);
  expect((await library.gc()).freedBytes).toBeGreaterThan(0);
  const left = await readdir(root, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile())).toEqual([]);
});

test('a lock that could not say whose it is excludes others all the same', async () => {
  const library = new Library({ modelsDir: join(await temporaryFolder(), 'models'), lockTimeoutMs: 50 });
  const { acquireLock, isLockHeld } = await import('./lock-file.ts');
  disk.isFull = true;
  await library.gc();
  const lock = await acquireLock(library.layout.lock);
  expect(await isLockHeld(library.layout.lock)).toBe(true);
  await expect(library.gc()).rejects.toMatchObject({ code: 'conflict' });
  await lock.release();
  await library.gc();
});
