import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from 'tar';
import { checksumsPackage, packFileName } from '../targets.ts';
import { checksumsManifest } from './manifests.ts';

/**
 * Packs SHA256SUMS and SHA256SUMS.sig of a folder as the npm package that comes with a release, so that a mirror of the registry is all that
 * an update needs. Gives the path of the pack, which lies in `out`.
 */
export async function packChecksums(folder: string, out: string, version?: string): Promise<string> {
  mkdirSync(out, { recursive: true });
  const manifest = { ...checksumsManifest(), ...(version === undefined ? {} : { version }) };
  const stage = mkdtempSync(join(out, '.checksums-'));
  try {
    mkdirSync(join(stage, 'package'));
    for (const name of ['SHA256SUMS', 'SHA256SUMS.sig']) cpSync(join(folder, name), join(stage, 'package', name));
    writeFileSync(join(stage, 'package', 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    const file = join(out, packFileName(checksumsPackage, manifest.version));
    await create({ gzip: true, portable: true, cwd: stage, file }, ['package']);
    return file;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
