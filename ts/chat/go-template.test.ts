import { expect, test } from 'vitest';
import { goTemplateToJinja, isGoTemplate, renderGoTemplate } from './go-template.ts';
import { renderTemplate } from './template-runtime.ts';

const values = { System: 'S', Prompt: 'P', Suffix: '', Response: '' };

function text(template: string): string {
  return renderGoTemplate(template, values)
    .map((segment) => (segment.kind === 'text' ? segment.text : ''))
    .join('');
}

test('dashes trim where white space stands between them and the action', () => {
  expect(text('a {{- .Prompt -}} b')).toBe('aPb');
  expect(text('a {{ .Prompt }} b')).toBe('a P b');
  expect(text('{{ if .System }}[{{ .System }}]{{ else }}none{{ end }} {{ .Prompt }}')).toBe('[S] P');
});

test.each([
  ['an action that does not end', `{{${' '.repeat(2 ** 19)}`, 'unsupported'],
  ['openings without end', '{{'.repeat(2 ** 18), 'unsupported'],
  ['spaces in an action', `{{${' '.repeat(2 ** 19)}x}}`, 'unsupported'],
  ['dashes in an action', `{{${' -'.repeat(2 ** 18)} }}`, 'unsupported'],
  ['a million ifs inside of each other', '{{if .System}}'.repeat(60_000), 'unsupported'],
  ['a long template', 'x'.repeat(2 ** 20 + 1), 'invalid_request'],
])('%s is refused at once', (_, template, code) => {
  for (const read of [(): unknown => renderGoTemplate(template, values), (): unknown => goTemplateToJinja(template)]) {
    let error: unknown;
    try {
      read();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    expect((error as Error).message.length).toBeLessThan(300);
  }
  isGoTemplate(template);
});

test('a short template that writes the prompt very often is refused', () => {
  const often = '{{.Prompt}}'.repeat(90_000);
  expect(() => renderGoTemplate(often, { ...values, Prompt: 'x'.repeat(2 ** 20) })).toThrow('writes more than');
  expect(text(often)).toHaveLength(90_000);
});

test('what becomes Jinja renders', () => {
  const template = goTemplateToJinja(
    '{{ if .System }}<|s|>{{ .System }}{{ end }}<|u|>{{ .Prompt }}<|a|>{{ .Response }}<|e|>',
  );
  const messages = [
    { role: 'system', content: 'S' },
    { role: 'user', content: 'U' },
  ];
  expect(renderTemplate({ template, variables: JSON.stringify({ messages }) })).toEqual({ text: '<|s|>S<|u|>U<|a|>' });
});
