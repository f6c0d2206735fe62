import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { Gate } from './gate.ts';
import { hashFile, Library, openRegular, readRegular, readRegularSync } from './index.ts';
import { temporaryFolder } from './test-store.ts';

const isUnix = process.platform !== 'win32';
const refused = expect.objectContaining({ code: 'invalid_request' });

/** What lies in a folder and is no file, under names that models have. */
async function oddities(): Promise<string[]> {
  const folder = await temporaryFolder();
  const pipe = join(folder, 'pipe.gguf');
  await promisify(execFile)('mkfifo', [pipe]);
  const socket = join(folder, 'socket.gguf');
  const server = createServer().listen(socket);
  onTestFinished(() => void server.close());
  await mkdir(join(folder, 'folder.gguf'));
  return [pipe, socket, '/dev/zero', '/dev/tty'];
}

test.runIf(isUnix)('pipes, sockets and devices are refused at once, however many are named', async () => {
  const library = new Library({ modelsDir: join(await temporaryFolder(), 'models') });
  const paths = await oddities();
  // More than the threads that wait for files: one that blocked would keep the last from an answer.
  for (const path of [...paths, ...paths, ...paths]) {
    await expect(openRegular(path)).rejects.toEqual(refused);
    await expect(readRegular(path, 100)).rejects.toEqual(refused);
    await expect(hashFile(path)).rejects.toEqual(refused);
    expect(() => readRegularSync(path, 100)).toThrow();
  }
  const answers = await Promise.allSettled([...paths, ...paths].map((path) => library.import(path)));
  for (const answer of answers) {
    const code = answer.status === 'rejected' ? answer.reason.code : 'imported';
    expect(['invalid_request', 'invalid_model_file']).toContain(code);
  }
});

test('paths that lead nowhere are the fault of who named them', async () => {
  const library = new Library({ modelsDir: join(await temporaryFolder(), 'models') });
  const codeOf = (path: string) => library.import(path).catch(({ code }) => code);
  expect(await codeOf(`/${'x'.repeat(5000)}.gguf`)).toBe('invalid_request');
  expect(await codeOf('/no/such/model.gguf')).toBe('not_found');
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'file'), '');
  expect(await codeOf(join(folder, 'file', 'm.gguf'))).toBe('not_found');
});

test('a file is read up to its limit, whatever it says of its size', async () => {
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, 'x'.repeat(100_000));
  expect((await readRegular(path, 100_000)).length).toBe(100_000);
  await expect(readRegular(path, 99_999)).rejects.toEqual(refused);
  expect(readRegularSync(path, 100_000).length).toBe(100_000);
  expect(() => readRegularSync(path, 99_999)).toThrow(refused);
});

test('a gate lets in so many at once, in order, and refuses the rest', async () => {
  const gate = new Gate({ what: 'imports', places: 1, waiting: 1, patienceMs: 20 });
  const leave = await gate.enter();
  const second = gate.enter();
  await expect(gate.enter()).rejects.toMatchObject({ code: 'server_busy' });
  leave();
  const leaveSecond = await second;
  // One that waits too long, and one whose caller leaves.
  await expect(gate.enter()).rejects.toMatchObject({ code: 'server_busy' });
  const caller = new AbortController();
  const third = gate.enter(caller.signal);
  caller.abort();
  await expect(third).rejects.toMatchObject({ code: 'cancelled' });
  leaveSecond();
  expect(await gate.run(async () => 'in')).toBe('in');
});
