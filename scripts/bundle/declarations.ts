import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const TYPES = join(ROOT, 'dist', 'types');
const RELATIVE_SOURCE = /(['"])(\.{1,2}\/[^'"]+)\.tsx?\1/g;

/** Writes the declarations of what the package exports to dist/types. Throws what the compiler says. */
export function writeDeclarations(): void {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.types.json'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`The declarations could not be made.\n${stdout}`);
  for (const entry of readdirSync(TYPES, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.d.ts')) continue;
    const path = join(TYPES, entry);
    // The compiler leaves the endings of the sources, which stand for nothing beside a declaration.
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(RELATIVE_SOURCE, '$1$2.js$1'));
  }
}
