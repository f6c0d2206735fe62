import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type RealDaemon, realDaemon } from './real-daemon.ts';

// Grammars that take all time or memory to compile, sent to the real daemon while others use the same model.

let daemon: RealDaemon;

beforeAll(async () => {
  daemon = await realDaemon();
});
afterAll(() => daemon.stop());

const many = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));
const properties = (count: number): object => Object.fromEntries(many(count, (i) => [`p${i}`, { type: 'string' }]));
const chain = (count: number): string => many(count, (i) => `r${i} ::= "a" r${i + 1}`).join('\n');
const schema = (of: object): object => ({
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema: of } },
});

const HOSTILE: Record<string, object> = {
  'patterns that must all hold': schema({ allOf: many(200, (i) => ({ pattern: `a.{${i}}b` })) }),
  'multiples of coprimes': schema({
    allOf: [9973, 9967, 9949, 9941].map((of) => ({ type: 'integer', multipleOf: of })),
  }),
  'a large multiple': schema({ type: 'integer', multipleOf: 99_991 }),
  'a long name above many': schema({
    type: 'object',
    properties: { ['x'.repeat(300_000)]: { properties: properties(15_000) } },
  }),
  'many properties': schema({ type: 'object', properties: properties(5_000) }),
  'many alternatives': schema({ anyOf: many(3_000, (i) => ({ type: 'object', properties: { [`k${i}`]: true } })) }),
  'a circle of allOf': schema({
    $ref: '#/$defs/a',
    $defs: { a: { allOf: [{ $ref: '#/$defs/b' }, {}] }, b: { allOf: [{ $ref: '#/$defs/a' }, {}] } },
  }),
  'a chain of rules': { grammar: `root ::= r0\n${chain(20_000)}\nr20000 ::= "b"` },
  'rules that double': {
    grammar: `root ::= r0\n${many(40, (i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')}\nr40 ::= [a-z]`,
  },
  'words that must all match': {
    guided_grammar: `start: X\nX: ${many(100, (i) => `/.*a.{${i}}b.*/`).join(' & ')}`,
  },
  'a rule that repeats itself': { guided_grammar: 'start: s\ns: s s | "a" | ' },
};

function chat(body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`${daemon.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'demo',
      messages: [{ role: 'user', content: 'Tell me a story.' }],
      max_tokens: 20,
      temperature: 0,
      ...body,
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** How often a model has left memory from here on. */
function unloads(): { count(): number } {
  const seen: string[] = [];
  const socket = new WebSocket(`${daemon.url.replace('http', 'ws')}/ohmygpu/v1/events`);
  socket.addEventListener('message', ({ data }) => {
    const event = JSON.parse(String(data)) as { type: string };
    if (event.type === 'model.unloaded') seen.push(event.type);
  });
  onTestFinished(() => socket.close());
  return { count: () => seen.length };
}

/** Whole answers, plain and with a schema, as long as `going` says. Returns their number and the longest wait for a token. */
async function honest(going: () => boolean): Promise<{ answers: number; longestMs: number }> {
  let answers = 0;
  let longestMs = 0;
  const city = schema({ type: 'object', properties: { city: { enum: ['Paris', 'Rome'] } }, required: ['city'] });
  while (going() || answers < 4) {
    const response = await chat({ stream: true, ...(answers % 2 === 0 ? { max_tokens: 200 } : city) });
    expect(response.status).toBe(200);
    let text = '';
    let last = performance.now();
    for await (const chunk of response.body ?? []) {
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
      text += Buffer.from(chunk).toString();
    }
    expect(text).toContain('data: [DONE]');
    expect(text).not.toContain('"error"');
    answers += 1;
  }
  return { answers, longestMs };
}

test('a hostile grammar is answered or refused, and others go on meanwhile', { timeout: 300_000 }, async () => {
  expect((await chat({})).status).toBe(200);
  const left = unloads();
  let done = false;
  const others = honest(() => !done);
  const took: Record<string, string> = {};
  const all = Object.entries(HOSTILE).map(async ([name, body]) => {
    const begin = performance.now();
    const response = await chat(body);
    const answer = (await response.json()) as { error?: { code?: string; message?: string } };
    took[name] =
      `${response.status} after ${Math.round(performance.now() - begin)} ms: ${answer.error?.message ?? 'an answer'}`;
    // 503 is said where the machine is too busy to tell.
    expect([200, 400, 503], `${name}: ${took[name]}`).toContain(response.status);
  });
  await Promise.all(all).finally(() => {
    done = true;
  });
  const { answers, longestMs } = await others;
  console.info(took, `${answers} answers meanwhile, longest wait ${Math.round(longestMs)} ms`);
  expect(answers).toBeGreaterThan(3);
  expect(left.count()).toBe(0);
});

test('what a sender left behind holds up neither the next nor the end of the daemon', {
  timeout: 120_000,
}, async () => {
  expect((await chat({})).status).toBe(200);
  const unloaded = unloads();
  const leave = new AbortController();
  const left = Promise.allSettled(
    // Others than above, whose verdicts are known.
    Object.entries(HOSTILE).map(([name, body]) => chat({ ...body, user: name, ...fresh(body) }, leave.signal)),
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  leave.abort();
  await left;
  const begin = performance.now();
  expect((await chat({ grammar: 'root ::= "left" | "right"' })).status).toBe(200);
  expect(performance.now() - begin).toBeLessThan(20_000);
  expect(unloaded.count()).toBe(0);
  const stopping = performance.now();
  await daemon.stop();
  expect(performance.now() - stopping).toBeLessThan(20_000);
  daemon = await realDaemon();
});

/** The same with another name in it. */
function fresh(body: object): object {
  return JSON.parse(
    JSON.stringify(body).replaceAll('"p1"', '"q1"').replaceAll('r1 ', 'r1  ').replaceAll('a.{1}', 'c.{1}'),
  ) as object;
}
