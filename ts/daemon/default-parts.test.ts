import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../config/index.ts';
import { HubStandIn } from '../tests/hub-stand-in/index.ts';
import { createHub } from './default-parts.ts';

let home: string;
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
  const hub = await createHub(config);
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
