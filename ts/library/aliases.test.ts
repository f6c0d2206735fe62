import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { UserAliases, writeAlias } from './aliases.ts';

async function aliasesFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'omg-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'aliases.yaml');
}

test('an alias is written, replaced under another spelling, and taken out; the rest of the file stays', async () => {
  const file = await aliasesFile();
  expect(await writeAlias(file, 'fast', 'owner/small:Q4_K_M')).toBe(false);
  await writeFile(file, `# mine\nbig: owner/big\n${await readFile(file, 'utf8')}`);
  expect(await writeAlias(file, 'Fast:latest', 'owner/other')).toBe(true);
  expect(await readFile(file, 'utf8')).toBe('# mine\nbig: owner/big\nFast:latest: owner/other\n');
  expect([...(await new UserAliases(file).table()).values()]).toEqual(['owner/big', 'owner/other']);
  expect(await writeAlias(file, 'fast', undefined)).toBe(true);
  expect(await writeAlias(file, 'fast', undefined)).toBe(false);
  expect(await readFile(file, 'utf8')).toBe('# mine\nbig: owner/big\n');
});

test('what is no name, or a file that is no map, changes nothing', async () => {
  const file = await aliasesFile();
  await expect(writeAlias(file, '../x', 'owner/r')).rejects.toMatchObject({ code: 'invalid_model_name' });
  await expect(writeAlias(file, 'x', '../r')).rejects.toMatchObject({ code: 'invalid_model_name' });
  await writeFile(file, '- a list\n');
  await expect(writeAlias(file, 'x', 'owner/r')).rejects.toMatchObject({ code: 'invalid_config' });
  expect(await readFile(file, 'utf8')).toBe('- a list\n');
});
