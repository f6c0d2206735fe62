import { expect, test } from 'vitest';
import { allCommands, COMMANDS, groupMembers } from '../commands/index.ts';
import { commandMeant } from '../commands/synonyms.ts';
import { styleOf } from '../terminal/style.ts';
import { cellWidth } from '../terminal/text.ts';
import { commandHelp, overview } from './help.ts';
import { signatureOf, usageLine } from './signature.ts';

const commands = await allCommands();
const paths = COMMANDS.filter(({ isInner }) => isInner !== true).flatMap((command) => command.paths);

const pageOf = async (path: string, width: number) =>
  commandHelp(commands, { path, members: await groupMembers(path.split(' ')) }, { style: styleOf(false), width });

test('every path of the table is one of a class, and the other way round', () => {
  const ofClasses = commands.flatMap(({ paths: own = [] }) => own.map((words) => words.join(' ')));
  const ofTable = COMMANDS.flatMap((command) => command.paths);
  expect(ofTable.toSorted()).toEqual(ofClasses.toSorted());
});

test.each([100, 80, 40])('help of every command fits %i cells', async (width) => {
  const pages = [overview(commands, { style: styleOf(false), width })];
  for (const path of paths) pages.push(await pageOf(path, width));
  for (const page of pages) {
    expect(page).not.toMatch(/#\d|undefined|<\w+>/);
    // A word that is wider than the line, such as an address, is broken by nobody.
    const wide = page.split('\n').filter((line) => cellWidth(line) > width && /\S\s+\S/.test(line.trim()));
    expect(wide.filter((line) => !line.startsWith('Usage:') && !line.startsWith('Also:'))).toEqual([]);
  }
});

test('help says what an option takes and what holds without it', async () => {
  const page = async (path: string) => await pageOf(path, 100);
  expect(await page('run')).toMatch(/^Usage: omg run MODEL \[PROMPT…\] \[OPTIONS\]$/m);
  expect(await page('run')).toMatch(/^ {2}--set NAME=VALUE {3}/m);
  expect(await page('search')).toMatch(/^ {2}--limit N \(20\) {3}/m);
  expect(await page('logs')).toMatch(/^ {2}-n, --lines N \(100\) {3}/m);
  expect(await page('pull')).toMatch(/^ {2}-h, --help {3}/m);
  expect(await page('chat')).not.toContain('--json');
});

test.each([
  ['serve', ['status', 'stop', 'logs']],
  ['service', ['install', 'uninstall', 'status']],
  ['keys', ['create', 'list', 'revoke', 'open']],
  ['config', ['get', 'set', 'unset', 'path']],
  ['backend', ['install', 'rm']],
  ['model', ['run', 'pull', 'list', 'show']],
])('help of %s names its members', async (group, members) => {
  const page = await pageOf(group, 100);
  for (const member of members) expect(page).toMatch(new RegExp(`^  omg ${group} ${member}( |$)`, 'm'));
});

test('words of other programs mean commands that exist, and are none of ours', () => {
  for (const path of paths) expect(commandMeant(path)).toBeUndefined();
  const known = new Set(paths);
  for (const word of ['download', 'delete', 'top', 'login', 'upgrade', 'copy', 'start', 'down']) {
    const meant = commandMeant(word) ?? '';
    expect(
      [...known].some((path) => meant === path || meant.startsWith(`${path} `)),
      word,
    ).toBe(true);
  }
});

test('every command that is listed says what it does in a sentence', () => {
  for (const signature of commands.map(signatureOf)) {
    if (signature.usage === undefined) continue;
    expect(signature.usage.description, usageLine(signature)).toMatch(/^\S.*\.$/);
    for (const { names, description } of signature.options) expect(description, names.join()).toMatch(/^\S.*\.$/);
  }
});
