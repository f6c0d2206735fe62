import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKS, type Check, ENCODER, type Feature } from './client-checks.ts';
import { Installation, ROOT } from './omg.ts';

// Every client against every endpoint it uses, with the built program, the real engine and the bundled model. What they show becomes the
// table of ts/api: after a change, `npx vitest run ts/tests/e2e/clients.test.ts --update` writes it.

let omg: Installation;
const shown = new Set<Check>();

beforeAll(async () => {
  omg = await Installation.create();
  await omg.omg('serve', '-d');
  const encoder = join(ROOT, 'crates/omg-models/tests/fixtures/encoders/mean');
  expect((await omg.omg('import', encoder, '--name', ENCODER)).exitCode).toBe(0);
});
afterAll(() => omg.dispose());

const isIdle = async (): Promise<boolean> => {
  const models = (await omg.json('ps')) as { runtime?: { active_requests: number } }[];
  return models.every(({ runtime }) => (runtime?.active_requests ?? 0) === 0);
};

const PROOFS: Record<Feature, (check: Check) => Promise<void>> = {
  async answer({ run }) {
    expect(await run(omg.url, AbortSignal.timeout(60_000))).toContain('Paris');
  },
  async stream({ run }) {
    expect(await run(omg.url, AbortSignal.timeout(60_000))).toContain('Paris');
  },
  async list({ run }) {
    expect(JSON.stringify(await run(omg.url, AbortSignal.timeout(60_000)))).toContain('demo');
  },
  async count({ run }) {
    expect(await run(omg.url, AbortSignal.timeout(60_000))).toBeGreaterThan(5);
  },
  async vectors({ run }) {
    const [first = [], second = []] = (await run(omg.url, AbortSignal.timeout(60_000))) as number[][];
    expect([first.length, second.length]).toEqual([32, 32]);
    expect(Math.hypot(...first)).toBeCloseTo(1, 4);
    expect(first).not.toEqual(second);
  },
  async error({ run }) {
    await expect(run(omg.url, AbortSignal.timeout(60_000))).rejects.toThrow(/nope|not found|404|no model/i);
  },
  async abort({ run }) {
    // A model may end by chance before it is stopped; what counts is that nothing goes on.
    await run(omg.url, AbortSignal.timeout(100)).catch(() => {});
    await expect.poll(isIdle).toBe(true);
  },
};

test.each(CHECKS.map((check): [string, Check] => [`${check.endpoint} × ${check.client}: ${check.feature}`, check]))(
  '%s',
  async (_name, check) => {
    await PROOFS[check.feature](check);
    shown.add(check);
  },
);

test('the table of ts/api tells what was shown', async () => {
  const rows = [...Map.groupBy(CHECKS, ({ endpoint, client }) => `| \`${endpoint}\` | ${client} |`)].map(
    ([start, checks]) =>
      `${start} ${checks.map((check) => `${check.feature}${shown.has(check) ? '' : ' (fails)'}`).join(', ')} |`,
  );
  const text = `# The APIs

One folder per dialect; a dialect translates between its wire and the types of \`ts/inference\`, and knows no other. How to add a route stands in
[CONTRIBUTING.md](../../CONTRIBUTING.md).

## What clients get

Shown by \`ts/tests/e2e/clients.test.ts\` with the real engine and the bundled model, which writes this table. *answer*: the whole text. *stream*: the
text in pieces. *abort*: the engine stops when the client does. *error*: a model that is not there is an error of the client's own kind. *vectors*: those of
a small encoder.

| Endpoint | Client | Result |
| --- | --- | --- |
${rows.sort().join('\n')}
`;
  await expect(text).toMatchFileSnapshot(join(ROOT, 'ts', 'api', 'README.md'));
});
