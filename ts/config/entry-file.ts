import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The file of a program part that is started by path (a child process, a worker thread). Sources are run by Node as they are; in the
 * bundle the part is an entry of its own, `<name>.js`, beside the chunk that asks or one folder up.
 * @param moduleUrl `import.meta.url` of the asking module.
 * @param source path of the source file, relative to it.
 */
export function entryFile(moduleUrl: string, source: string, name: string): URL {
  if (moduleUrl.endsWith('.ts')) return new URL(source, moduleUrl);
  const beside = new URL(`./${name}.js`, moduleUrl);
  return existsSync(fileURLToPath(beside)) ? beside : new URL(`../${name}.js`, moduleUrl);
}
