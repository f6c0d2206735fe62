import { expect, onTestFinished, test } from 'vitest';
import { TemplateSandbox } from './template-sandbox.ts';

function sandbox(timeoutMs: number): TemplateSandbox {
  const box = new TemplateSandbox({ timeoutMs });
  onTestFinished(() => box.close());
  return box;
}

test('renders in a thread of its own, and again', async () => {
  const box = sandbox(5000);
  expect(
    await box.render({ template: '{{ a }}{% for i in range(3) %}{{ i }}{% endfor %}', variables: { a: 'x' } }),
  ).toBe('x012');
  expect(await box.render({ template: '{{ strftime_now("%Y") }}', variables: {} })).toMatch(/^20\d\d$/);
});

test('a template that does not end is ended, and the next one renders', async () => {
  const box = sandbox(1000);
  const loop = '{% for a in range(999999) %}{% for b in range(999999) %}{% set c = a * b %}{% endfor %}{% endfor %}';
  const [endless, next] = await Promise.allSettled([
    box.render({ template: loop, variables: {} }),
    box.render({ template: 'fine', variables: {} }),
  ]);
  expect(endless).toMatchObject({
    status: 'rejected',
    reason: { code: 'template_failed', message: expect.stringContaining('1 s') },
  });
  expect(next).toEqual({ status: 'fulfilled', value: 'fine' });
});

test('a template that eats memory is ended', async () => {
  const box = sandbox(20_000);
  const hungry =
    "{% set ns = namespace(t='x') %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t + i|string %}{% endfor %}{{ ns.t }}";
  await expect(box.render({ template: hungry, variables: {} })).rejects.toMatchObject({ code: 'template_failed' });
  await expect(box.render({ template: '{{ range(1000000000) | length }}', variables: {} })).rejects.toMatchObject({
    code: 'template_failed',
  });
  expect(await box.render({ template: 'fine', variables: {} })).toBe('fine');
});
