import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hubToken, loadConfig, writeSettings } from '../config/index.ts';
import { HubStandIn } from '../tests/hub-stand-in/index.ts';
import { createHub } from './default-parts.ts';

let home: string;
/** What the last hub was made with. */
let warnings: string[];
let standIn: HubStandIn;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'omg-token-'));
  standIn = await HubStandIn.start();
});
afterEach(async () => {
  await standIn.close();
  await rm(home, { recursive: true, force: true });
});

/** The authorization of a search with these variables. */
async function sent(env: Record<string, string>): Promise<string | undefined> {
  const config = await loadConfig({
    env: { OMG_HOME: home, HF_ENDPOINT: standIn.url, NO_PROXY: '*', ...env },
    cwd: home,
  });
  warnings = [];
  const hub = await createHub(config, (text) => void warnings.push(text));
  await hub.search('x', 1);
  return standIn.requests.at(-1)?.authorization;
}

test('the token that `hf auth login` wrote is sent to the hub, and one that is set beats it', async () => {
  expect(await sent({ HF_HOME: home })).toBeUndefined();
  await writeFile(join(home, 'token'), 'hf_file\n');
  expect(await sent({ HF_HOME: home })).toBe('Bearer hf_file');
  await writeFile(join(home, 'other'), 'hf_other');
  expect(await sent({ HF_HOME: home, HF_TOKEN_PATH: join(home, 'other') })).toBe('Bearer hf_other');
  expect(await sent({ HF_HOME: home, HF_TOKEN: 'hf_set' })).toBe('Bearer hf_set');
});

/** The authorization of a search where the address of the hub is set in the user's file. */
async function sentTo(endpoint: string, changes: Record<string, string>, env: Record<string, string>) {
  await writeSettings(join(home, 'config.toml'), { 'hub.endpoint': endpoint, ...changes });
  return sent({ HF_ENDPOINT: '', HF_HOME: home, ...env });
}

test('a token goes only to a hub that was set where the token was', async () => {
  await writeFile(join(home, 'token'), 'hf_file');
  expect(await sentTo(standIn.url, {}, {})).toBeUndefined();
  expect(warnings).toEqual([expect.stringMatching(/not sent there.*omg config set hub\.token/)]);
  expect(await sentTo(standIn.url, {}, { HF_TOKEN: 'hf_env' })).toBeUndefined();
  expect(warnings).toHaveLength(1);
  expect(await sentTo(standIn.url, { 'hub.token': 'hf_user' }, {})).toBe('Bearer hf_user');
  expect(await sentTo(standIn.url, { 'hub.token': 'hf_user' }, { HF_TOKEN: 'hf_env' })).toBeUndefined();
  expect(await sentTo(standIn.url, { 'hub.token': 'hf_user' }, { HF_ENDPOINT: standIn.url })).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('HF_TOKEN')]);
});

test('a token file of the user’s own settings goes with an address of the same', async () => {
  await writeFile(join(home, 'mine'), 'hf_mine');
  const changes = { 'hub.token_file': join(home, 'mine') };
  expect(await sentTo(standIn.url, changes, {})).toBe('Bearer hf_mine');
  expect(await sentTo(standIn.url, changes, { HF_ENDPOINT: standIn.url })).toBeUndefined();
});

test('to the public hub any token goes', async () => {
  for (const env of [{ HF_TOKEN: 'hf_env' }, { HF_TOKEN: 'hf_env', HF_ENDPOINT: 'https://huggingface.co/' }]) {
    const config = await loadConfig({ env: { OMG_HOME: home, ...env }, cwd: home });
    expect(await hubToken(config)).toEqual({ token: 'hf_env' });
  }
  await writeSettings(join(home, 'config.toml'), { 'hub.token': 'hf_user' });
  for (const endpoint of ['http://huggingface.co', 'https://huggingface.co.evil.test', 'https://huggingface.co:444']) {
    const config = await loadConfig({ env: { OMG_HOME: home, HF_ENDPOINT: endpoint }, cwd: home });
    expect([endpoint, (await hubToken(config)).token]).toEqual([endpoint, '']);
  }
});

test.each(['two\nlines', 'a sentence', '{"json":1}', 'x'.repeat(10_000), 'naïve', 'a\u0000b'])(
  'a file that holds %j is no token',
  async (content) => {
    await writeFile(join(home, 'token'), content);
    expect(await sent({ HF_HOME: home })).toBeUndefined();
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(content.slice(0, 20));
  },
);

test('a token file that is a folder, or a pipe without a writer, is not read and keeps nobody waiting', async () => {
  await mkdir(join(home, 'token'));
  expect(await sent({ HF_HOME: home })).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('no regular file')]);
  if (process.platform === 'win32') return;
  execFileSync('mkfifo', [join(home, 'pipe')]);
  expect(await sent({ HF_HOME: home, HF_TOKEN_PATH: join(home, 'pipe') })).toBeUndefined();
  expect(warnings).toEqual([expect.stringContaining('no regular file')]);
});
