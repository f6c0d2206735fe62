import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TEMPORARY_PREFIX, writeFileAtomically } from '../config/index.ts';
import { ownIdentity, processState } from './process-identity.ts';
import type { StoreLayout } from './store-layout.ts';

const leaseSchema = z.object({
  pid: z.number().int().positive(),
  hostname: z.string(),
  startedAt: z.string().optional(),
  sha256: z.array(z.string()),
  abandoned: z.boolean().optional(),
});

/** Keeps blobs that no manifest names yet from being collected. */
export interface Lease {
  /** Adds blobs whose hash was not known at first. */
  add(sha256: string): Promise<void>;
  /** The blobs are installed. */
  end(): Promise<void>;
  /** The work has stopped but may go on later: what is finished outlasts `gc` as long as partial files do. */
  abandon(): Promise<void>;
}

export interface Leases {
  /** Blobs that a living process works towards. */
  living: Set<string>;
  /** Leases without one: given up, or of a process that was killed. */
  resumable: { path: string; ageMs: number; sha256: string[] }[];
}

export async function takeLease(layout: StoreLayout, sha256: readonly string[]): Promise<Lease> {
  await mkdir(layout.leases, { recursive: true });
  const path = join(layout.leases, `${randomUUID()}.json`);
  const identity = await ownIdentity();
  const all = new Set(sha256);
  const write = (abandoned: boolean) =>
    writeFileAtomically(path, JSON.stringify({ ...identity, sha256: [...all], abandoned }));
  // Written one after another: an older list must not replace a newer one.
  let written = write(false);
  await written;
  return {
    add: async (more) => {
      if (all.has(more)) return await written;
      all.add(more);
      written = written.then(() => write(false));
      await written;
    },
    end: async () => {
      await written.catch(() => {});
      await rm(path, { force: true });
      // Earlier tries at the same files are settled with this one.
      for (const other of (await readLeases(layout)).resumable) {
        if (other.sha256.every((blob) => all.has(blob))) await rm(other.path, { force: true });
      }
    },
    abandon: async () => {
      await written.catch(() => {});
      if (all.size === 0) await rm(path, { force: true });
      else await write(true);
    },
  };
}

export async function readLeases(layout: StoreLayout): Promise<Leases> {
  const leases: Leases = { living: new Set(), resumable: [] };
  for (const file of await readdir(layout.leases).catch(() => [])) {
    const path = join(layout.leases, file);
    if (file.startsWith(TEMPORARY_PREFIX)) continue;
    const [text, stats] = await Promise.all([
      readFile(path, 'utf8').catch(() => undefined),
      stat(path).catch(() => undefined),
    ]);
    if (text === undefined || stats === undefined) continue;
    const lease = leaseSchema.safeParse(parseJson(text)).data;
    const ageMs = Date.now() - stats.mtimeMs;
    if (lease === undefined) leases.resumable.push({ path, ageMs, sha256: [] });
    else if (lease.abandoned || (await processState(lease)) === 'dead') {
      leases.resumable.push({ path, ageMs, sha256: lease.sha256 });
    } else for (const sha256 of lease.sha256) leases.living.add(sha256);
  }
  return leases;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
