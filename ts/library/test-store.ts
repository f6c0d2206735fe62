import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { InstallInput } from './install.ts';
import type { Library } from './library.ts';
import { parseModelName } from './names.ts';
import type { Artifact } from './types.ts';

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'omg-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Puts bytes into the store as a download would, and tells the artifact. */
export async function putBlob(library: Library, filename: string, content: string): Promise<Artifact> {
  const sha256 = createHash('sha256').update(content).digest('hex');
  await mkdir(library.layout.blobs, { recursive: true });
  await writeFile(library.layout.blob(sha256), content);
  return { filename, size: Buffer.byteLength(content), sha256, format: filename.endsWith('.gguf') ? 'gguf' : 'json' };
}

/** Input for a GGUF model of one file per entry; the first is the one the engine opens. */
export async function ggufInput(library: Library, name: string, files: Record<string, string>): Promise<InstallInput> {
  const artifacts: Artifact[] = [];
  for (const [filename, content] of Object.entries(files)) artifacts.push(await putBlob(library, filename, content));
  return {
    name: parseModelName(name).name,
    source: {
      scheme: 'huggingface',
      reference: 'owner/repo',
      revision: { branch: 'main', resolvedCommit: 'a'.repeat(40) },
    },
    artifacts,
  };
}
