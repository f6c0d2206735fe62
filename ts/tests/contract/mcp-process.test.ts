import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

// What only a process shows: what it writes, and when it ends. Nothing here needs a daemon.

const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');
const home = mkdtempSync(join(tmpdir(), 'omg-mcp-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

async function mcp(input: string): Promise<{ stdout: string; exitCode: unknown }> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'mcp'], {
    env: { ...process.env, OMG_HOME: home, OMG_PORT: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stdin.end(input);
  const [exitCode] = await once(child, 'close');
  return { stdout, exitCode };
}

test('every line on stdout is JSON-RPC, whatever comes in, and the end of the input is the end', async () => {
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
  const lines = [INITIALIZE, { jsonrpc: '2.0', method: 'notifications/initialized' }, list].map((message) =>
    JSON.stringify(message),
  );
  const { stdout, exitCode } = await mcp(
    `${[lines[0], 'no JSON', '{"jsonrpc":"1.0"}', ...lines.slice(1)].join('\n')}\n`,
  );
  const replies = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { jsonrpc: string; id: number });
  expect(replies.every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true);
  expect(replies.map(({ id }) => id)).toEqual([1, 2]);
  expect(exitCode).toBe(0);
});

test('it ends without a word when nobody speaks', async () => {
  expect(await mcp('')).toEqual({ stdout: '', exitCode: 0 });
});
