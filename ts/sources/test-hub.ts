import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Library, type LibraryOptions } from '../library/index.ts';
import { HubStandIn, type StandInOptions } from '../tests/hub-stand-in/index.ts';
import { Hub, type HubOptions } from './hub.ts';
import { QUICK_RETRIES, SMALL_TRANSFERS } from './test-settings.ts';
import type { PullProgress, PullRequest } from './types.ts';

export interface TestHub {
  root: string;
  hub: Hub;
  library: Library;
  standIn: HubStandIn;
  progress: PullProgress[];
  pull(request: string | PullRequest, signal?: AbortSignal): ReturnType<Hub['pull']>;
}

export interface TestHubOptions {
  hub?: HubOptions;
  library?: Partial<LibraryOptions>;
  standIn?: StandInOptions;
}

/** A hub client, an empty library and a hub stand-in, all gone after the test. */
export async function testHub(options: TestHubOptions = {}): Promise<TestHub> {
  const root = await mkdtemp(join(tmpdir(), 'omg-test-'));
  const standIn = await HubStandIn.start(options.standIn);
  await mkdir(join(root, 'models'));
  const library = new Library({
    modelsDir: join(root, 'models'),
    aliasesFile: join(root, 'aliases.yaml'),
    ...options.library,
  });
  const hub = new Hub({
    endpoint: standIn.url,
    transfer: SMALL_TRANSFERS,
    retry: QUICK_RETRIES,
    proxy: { http: '', https: '', no: '*' },
    ...options.hub,
  });
  onTestFinished(async () => {
    await hub.close();
    await standIn.close();
    await rm(root, { recursive: true, force: true });
  });
  const progress: PullProgress[] = [];
  return {
    root,
    hub,
    library,
    standIn,
    progress,
    pull: (request, signal) => hub.pull(request, { library, signal, onProgress: (line) => progress.push(line) }),
  };
}

/** Bytes that begin like a GGUF file and are otherwise random. */
export function fakeGguf(size: number): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), randomBytes(size - 4)]);
}
