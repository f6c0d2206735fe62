import { readFileSync } from 'node:fs';

/** Put in by the bundler, so that `omg --version` reads no file. */
declare const __OMG_VERSION__: string | undefined;

/** The version of this package, from package.json. */
export function version(): string {
  if (typeof __OMG_VERSION__ === 'string') return __OMG_VERSION__;
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return (manifest as { version: string }).version;
}
