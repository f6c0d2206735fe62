import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from '../repo/checkout.ts';
import { Installation, ROOT } from './omg.ts';

// What the guides tell to type is typed here, in their order, in an empty folder. `# → text` stands behind a command whose output has that text.

const guides = repositoryFiles().filter((path) => /^docs\/guides\/.*\.md$/.test(path) && !path.endsWith('README.md'));
const ADDRESS = '127.0.0.1:10692';

describe.skipIf(process.platform === 'win32').each(guides)('%s', (path) => {
  const blocks = [...readRepositoryFile(path).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  let omg: Installation;
  let folder: string;

  beforeAll(async () => {
    omg = await Installation.create();
    folder = mkdtempSync(join(tmpdir(), 'omg-guide-'));
    const program = join(folder, 'bin', 'omg');
    mkdirSync(join(folder, 'bin'));
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'scripts', 'bin', 'omg.mjs')}' "$@"\n`);
    chmodSync(program, 0o755);
    await omg.omg('serve', '-d');
  });
  afterAll(async () => {
    await omg.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  test('has something to run', () => expect(blocks.length).toBeGreaterThan(0));

  test.each(blocks)('%s', async (block) => {
    const wanted = [...block.matchAll(/# → (.*)$/gm)].map(([, text = '']) => text);
    const { exitCode, output } = await run(block.replaceAll(ADDRESS, `127.0.0.1:${omg.port}`));
    expect(exitCode, output).toBe(0);
    for (const text of wanted) expect(output).toContain(text);
  });

  function run(script: string): Promise<{ exitCode: number; output: string }> {
    const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter);
    return new Promise((resolve) => {
      const options = { cwd: folder, env: { ...omg.environment, PATH }, timeout: 60_000 };
      execFile('sh', ['-euc', script], options, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` }),
      ).stdin?.end();
    });
  }
});
