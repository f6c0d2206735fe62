import { expect, onTestFinished, test } from 'vitest';
import { ENDLESS, HUNGRY } from './fixtures/hostile-templates.ts';
import { TemplateSandbox } from './template-sandbox.ts';

function sandbox(timeoutMs: number): TemplateSandbox {
  const box = new TemplateSandbox({ timeoutMs });
  onTestFinished(() => box.close());
  return box;
}

test('renders in a process of its own, and again', async () => {
  const box = sandbox(5000);
  expect(
    await box.render({ template: '{{ a }}{% for i in range(3) %}{{ i }}{% endfor %}', variables: { a: 'x' } }),
  ).toBe('x012');
  expect(await box.render({ template: '{{ strftime_now("%Y") }}', variables: {} })).toMatch(/^20\d\d$/);
});

test('a template that does not end is ended, and the next one renders', async () => {
  const box = sandbox(1000);
  const [endless, next] = await Promise.allSettled([
    box.render({ template: ENDLESS, variables: {} }),
    box.render({ template: 'fine', variables: {} }),
  ]);
  expect(endless).toMatchObject({
    status: 'rejected',
    reason: { code: 'template_failed', message: expect.stringContaining('1 s') },
  });
  expect(next).toEqual({ status: 'fulfilled', value: 'fine' });
});

test.each(Object.entries(HUNGRY))('a template that eats memory is ended: %s', async (_, template) => {
  const box = sandbox(20_000);
  await expect(box.render({ template, variables: {} })).rejects.toMatchObject({ code: 'template_failed' });
  expect(await box.render({ template: 'fine', variables: {} })).toBe('fine');
});

test('one that is ended while it eats memory does no harm later', async () => {
  const box = sandbox(300);
  for (const template of Object.values(HUNGRY)) {
    await expect(box.render({ template, variables: {} })).rejects.toMatchObject({ code: 'template_failed' });
  }
  expect(await box.render({ template: 'fine', variables: {} })).toBe('fine');
});

test('text that no window holds is refused in the process and does not come over', async () => {
  const box = sandbox(20_000);
  const long = "{% for i in range(200) %}{{ 'x' | indent(100000, true) }}{% endfor %}";
  await expect(box.render({ template: long, variables: {} })).rejects.toMatchObject({
    message: expect.stringContaining('writes more than'),
  });
});
