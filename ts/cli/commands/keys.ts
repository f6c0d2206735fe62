import { Command, Option } from 'clipanion';
import { parseGoDuration } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import { type ApiKey, formatRate, KeyFile, parseRate, SCOPES, type Scope } from '../../keys/index.ts';
import { CATEGORY, DataCommand } from '../command.ts';
import type { Session } from '../session.ts';

export class KeysCreateCommand extends DataCommand {
  static override paths = [['keys', 'create']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Create an API key and print it, once.',
    details:
      'A running daemon takes it over at once. From the first key on, every request over TCP needs one; commands on this machine use the socket of the home folder, which needs none. Only a hash of the key is kept.',
    examples: [
      ['For an application that asks models', '$0 keys create --name webui'],
      ['That may also pull and delete', '$0 keys create --name admin --scope inference,manage'],
      ['With limits', '$0 keys create --name ci --expires 30d --rate 60/m --concurrency 2'],
    ],
  });

  name = Option.String('--name', { description: 'What the key is for; key-1, key-2, … otherwise.' });
  scope = Option.String('--scope', 'inference', { description: `What it may do: ${SCOPES.join(', ')}, or both.` });
  expires = Option.String('--expires', { description: 'When it ends: 12h, 30d, or a date.' });
  rate = Option.String('--rate', { description: 'Requests per time, such as 60/m.' });
  concurrency = Option.String('--concurrency', { description: 'Requests at once.' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const file = new KeyFile(config.paths.keysFile);
    const before = file.read();
    const { key, secret } = await file.create({
      name: checkedName(this.name ?? freeName(before)),
      scopes: parseScopes(this.scope),
      ...(this.expires === undefined ? {} : { expires: parseExpiry(this.expires, Date.now()) }),
      ...(this.rate === undefined ? {} : { rate: parseRate(this.rate) }),
      ...(this.concurrency === undefined ? {} : { concurrency: parseConcurrency(this.concurrency) }),
    });
    if (printer.isJson) return printer.json({ ...keyJson(key), key: secret });
    printer.status(`Made the key "${key.name}" (${key.scopes.join(', ')}). It is shown this once:`);
    printer.line(secret);
    if (before.length === 0) printer.warn('This is the first key: from now on every request over TCP needs one.');
    printer.hint('Clients send it as `Authorization: Bearer …` or `x-api-key: …`; omg itself reads OMG_API_KEY.');
  }
}

export class KeysListCommand extends DataCommand {
  static override paths = [['keys'], ['keys', 'list']];
  static override usage = Command.Usage({ category: CATEGORY.setup, description: 'List the API keys.' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const keys = new KeyFile(config.paths.keysFile).read();
    if (printer.isJson) return printer.json(keys.map(keyJson));
    if (keys.length === 0) {
      const { exists } = new KeyFile(config.paths.keysFile);
      printer.status(exists ? 'There are no keys, and one is needed over TCP.' : 'There are no keys.');
      return printer.hint(`Make one with \`omg keys create\`.${exists ? ` ${OPEN_HINT}` : ''}`);
    }
    if (printer.namesOnly(keys.map(({ name }) => name))) return;
    printer.table(
      [
        { title: 'ID', drop: 5 },
        { title: 'NAME' },
        { title: 'SCOPES', drop: 1 },
        { title: 'CREATED', drop: 6 },
        { title: 'EXPIRES', drop: 2 },
        { title: 'RATE', drop: 3 },
        { title: 'AT ONCE', align: 'right', drop: 4 },
      ],
      keys.map(({ id, name, scopes, created, expires, rate, concurrency }) => [
        id,
        name,
        scopes.join(', '),
        created.slice(0, 10),
        expires === undefined ? 'never' : `${expires.slice(0, 10)}${isPast(expires) ? ' (expired)' : ''}`,
        rate === undefined ? '' : formatRate(rate),
        concurrency === undefined ? '' : String(concurrency),
      ]),
    );
  }
}

export class KeysRevokeCommand extends DataCommand {
  static override paths = [['keys', 'revoke']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Revoke an API key.',
    details: 'Requests with it are refused from then on.',
    examples: [['By its name', '$0 keys revoke webui']],
  });

  key = Option.String({ name: 'id-or-name' });

  protected override async run({ printer, config }: Session): Promise<void> {
    const file = new KeyFile(config.paths.keysFile);
    const revoked = await file.revoke(this.key);
    if (printer.isJson) return printer.json(keyJson(revoked));
    printer.status(`Revoked "${revoked.name}" (${revoked.id}).`);
    if (file.read().length === 0 && config.settings['server.api_key'] === '') {
      printer.warn('No key is left, and one is needed still: requests over TCP are refused until there is another.');
      printer.hint(OPEN_HINT);
    }
  }
}

export class KeysOpenCommand extends DataCommand {
  static override paths = [['keys', 'open']];
  static override usage = Command.Usage({
    category: CATEGORY.setup,
    description: 'Accept programs on this machine without a key again.',
    details:
      'Once a key was made one is needed, also when the last has been revoked. This takes that back, for a daemon that listens on this machine only.',
  });

  protected override async run({ printer, config }: Session): Promise<void> {
    await new KeyFile(config.paths.keysFile).open();
    if (printer.isJson) return printer.json({ open: true });
    printer.status('Programs of this machine need no key any more.');
    if (config.settings['server.api_key'] !== '')
      printer.warn('server.api_key (OMG_API_KEY) is set, and asks for one.');
  }
}

const OPEN_HINT = '`omg keys open` lets programs of this machine in without one again.';

/** What may be shown: everything but the hash. */
function keyJson({ hash: _, rate, ...key }: ApiKey): object {
  return { ...key, ...(rate === undefined ? {} : { rate: formatRate(rate) }) };
}

function freeName(keys: ApiKey[]): string {
  for (let count = keys.length + 1; ; count++) {
    if (!keys.some(({ name }) => name === `key-${count}`)) return `key-${count}`;
  }
}

function checkedName(name: string): string {
  if (/^[\w][\w. @-]{0,63}$/.test(name)) return name;
  throw new OmgError('invalid_request', `--name "${name}" is not a name of letters, digits, . _ @ and -.`);
}

function parseScopes(text: string): Scope[] {
  const scopes = [...new Set(text.split(',').map((scope) => scope.trim()))];
  const isScope = (scope: string): scope is Scope => (SCOPES as readonly string[]).includes(scope);
  if (scopes.every(isScope)) return scopes;
  throw new OmgError('invalid_request', `--scope is ${SCOPES.join(' or ')}, or both with a comma, not "${text}".`);
}

function parseConcurrency(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new OmgError('invalid_request', `--concurrency is a whole number from 1, not "${text}".`);
}

const DAY_MS = 86_400_000;

function parseExpiry(text: string, now: number): Date {
  const days = /^(\d+)d$/.exec(text)?.[1];
  const after = days === undefined ? parseGoDuration(text) : Number(days) * DAY_MS;
  const at = after === undefined ? Date.parse(text) : now + after;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) {
    throw new OmgError('invalid_request', `--expires "${text}" is neither a time such as 12h or 30d nor a date.`);
  }
  if (at > now) return date;
  throw new OmgError('invalid_request', `--expires ${text} is in the past.`);
}

function isPast(date: string): boolean {
  return Date.parse(date) <= Date.now();
}
