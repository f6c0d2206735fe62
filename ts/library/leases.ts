import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TEMPORARY_PREFIX, writeFileAtomically } from './atomic-file.ts';
import { ownIdentity, processState } from './process-identity.ts';
import type { StoreLayout } from './store-layout.ts';

const leaseSchema = z.object({
  pid: z.number().int().positive(),
  hostname: z.string(),
  startedAt: z.string().optional(),
  sha256: z.array(z.string()),
});

/** Keeps blobs that no manifest names yet from being collected, for as long as the process lives. */
export interface Lease {
  /** Adds blobs whose hash was not known at first. */
  add(sha256: string): Promise<void>;
  end(): Promise<void>;
}

export async function takeLease(layout: StoreLayout, sha256: readonly string[]): Promise<Lease> {
  await mkdir(layout.leases, { recursive: true });
  const path = join(layout.leases, `${randomUUID()}.json`);
  const identity = await ownIdentity();
  const all = new Set(sha256);
  // Written one after another: an older list must not replace a newer one.
  let written = writeFileAtomically(path, JSON.stringify({ ...identity, sha256: [...all] }));
  await written;
  return {
    add: async (more) => {
      if (all.has(more)) return await written;
      all.add(more);
      written = written.then(() => writeFileAtomically(path, JSON.stringify({ ...identity, sha256: [...all] })));
      await written;
    },
    end: async () => {
      await written.catch(() => {});
      await rm(path, { force: true });
    },
  };
}

/** The blobs under a living lease, and the files of leases whose process is gone. */
export async function readLeases(layout: StoreLayout): Promise<{ leased: Set<string>; stale: string[] }> {
  const leased = new Set<string>();
  const stale: string[] = [];
  const files = await readdir(layout.leases).catch(() => []);
  for (const file of files) {
    const path = join(layout.leases, file);
    if (file.startsWith(TEMPORARY_PREFIX)) continue;
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const lease = leaseSchema.safeParse(parseJson(text)).data;
    if (lease === undefined || (await processState(lease)) === 'dead') stale.push(path);
    else for (const sha256 of lease.sha256) leased.add(sha256);
  }
  return { leased, stale };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
