import { readFileSync } from 'node:fs';

/** The version of the package. Read from package.json, which stands two folders up in the sources and in the published package. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const path of ['../../package.json', '../package.json']) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (
        typeof parsed === 'object' &&
        parsed !== null &&
        'name' in parsed &&
        parsed.name === 'ohmygpu' &&
        'version' in parsed
      ) {
        return String(parsed.version);
      }
    } catch {
      // Not at this depth; a bundle lies one folder below the package, the sources two.
    }
  }
  return '0.0.0';
}
