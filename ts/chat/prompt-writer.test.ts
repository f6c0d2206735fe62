import { expect, test } from 'vitest';
import { type PromptTask, writePrompt } from './prompt-writer.ts';

/** Lone halves of such characters, too. */
const PRIVATE = /[\u{F0000}-\u{FFFFF}\u{D800}-\u{DFFF}]/u;

function task(template: string, content: string, rest: Partial<PromptTask> = {}): PromptTask {
  const messages = JSON.stringify([{ role: 'user', content }]);
  const specialTokens = { eos_token: '</s>' };
  return { template, specialTokens, variables: { messages, tools: 'null', others: '{}' }, ...rest };
}

test.each([
  '{{ messages[0].content }}',
  '{{ messages[0].content | upper }}',
  '{{ messages[0].content | title }}',
  "{{ messages[0].content | replace('1', 'one') }}",
  '{{ messages[0].content[:4] }}',
  '{{ messages[0].content[3:] }}',
  '{{ messages[0].content[2:-2] }}',
  '{{ messages[0].content[::-1] }}',
  '{{ messages[0].content | list | join(" ") }}',
  '{{ messages[0].content | length }}',
  '{% for part in messages[0].content %}{{ part }}{% endfor %}',
])('whatever a template does to what it is given, no placeholder gets into the prompt: %s', (template) => {
  for (const content of ['a</s>b', '</s>', '<think>x</s></think>', '0123456789</s>9876543210</s>']) {
    const written = writePrompt(task(template, content));
    if ('text' in written) expect(written.text).not.toMatch(PRIVATE);
    else expect(written).toHaveProperty('refused');
  }
});

test('what a template would look for in hidden text does not keep the rest from being written', () => {
  const splits = "{{ messages[0].content.split('[/THINK]')[-1] }}";
  expect(writePrompt(task(splits, 'a[/THINK]b'))).toEqual({ text: 'a[/THINK]b', plain: [1, 9] });
});

test('a template that changes the case only of ordinary text is no hindrance', () => {
  expect(writePrompt(task('{{ messages[0].content | upper }}', 'a[INST]b'))).toEqual({
    text: 'A[INST]B',
    plain: [1, 7],
  });
});

test.each([
  '{{ messages[0].content }}',
  '{{ messages[0].content }}{{ messages[0].content }}',
  '{{ messages[0].content[:-3] }} {{ messages[0].content }}',
  '{{ messages[0].content[:-9] }} {{ messages[0].content }}',
  '{{ messages[0].content[1:] }} {{ messages[0].content[3:] }}',
  '{{ messages[0].content | trim | upper }}',
])('the mark of a prefill never gets into the prompt: %s', (template) => {
  const mark = '\u{F0002}123456789012';
  const written = writePrompt(task(template, `Once${mark}`, { mark }));
  if ('text' in written) expect(written.text).not.toMatch(PRIVATE);
  else expect(written).toEqual({ unfinished: true });
});

test('more special text than a window holds is refused', () => {
  expect(() => writePrompt(task('{{ messages[0].content }}', '</s>'.repeat(60_000)))).toThrow('more than 50000');
});
