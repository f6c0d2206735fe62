import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { create, extract } from 'tar';
import type { Manifest } from './manifests.ts';

/**
 * Packs and archives of this checkout under another version number, for trying out updates. `change` gets the unpacked folder before it is
 * packed again. Gives the path of the new file, beside the old one.
 */
export async function asVersion(file: string, version: string, change?: (folder: string) => void): Promise<string> {
  const out = join(file, '..');
  const stage = mkdtempSync(join(out, '.version-'));
  try {
    await extract({ file, cwd: stage });
    const [top = ''] = readdirSync(stage);
    const old = manifestAt(join(stage, top)).version;
    renumber(join(stage, top), old, version);
    change?.(join(stage, top));
    const name = join(out, basename(file).replace(old, version));
    // An archive's folder has its name, that of a pack is always `package`.
    const named = top.replace(old, version);
    const renamed = named === top ? undefined : (path: string) => path.replace(top, named);
    await create(
      {
        // Nobody keeps them: what counts is that they are made quickly.
        gzip: { level: 0 },
        portable: true,
        cwd: stage,
        file: name,
        onWriteEntry: (entry) => {
          if (renamed !== undefined) entry.path = renamed(entry.path);
        },
      },
      [top],
    );
    return name;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

function manifestAt(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Its own number, those of its own packages, and the one that the bundle prints. */
function renumber(folder: string, old: string, version: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !/^(?:package|release)\.json$|\.js$/.test(entry.name)) continue;
    const text = readFileSync(path, 'utf8');
    const isJson = entry.name.endsWith('.json');
    if (isJson) writeFileSync(path, text.replaceAll(`"${old}"`, `"${version}"`));
    else if (entry.name.startsWith('version-')) writeFileSync(path, text.replaceAll(old, version));
  }
}
