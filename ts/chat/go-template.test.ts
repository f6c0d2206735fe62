import { expect, test } from 'vitest';
import { isGoTemplate } from './go-template.ts';

test.each([
  '{{ .Prompt }}',
  '{{.Prompt}}',
  '{{- .System -}}',
  'USER: {{ .Prompt }} ASSISTANT: ',
  '{{ if .System }}{{ .System }}{{ end }}',
  '{{- if or .System .Tools }}x{{- end }}',
  '{{ range $i, $_ := .Messages }}{{ end }}',
  '{{range .Messages}}{{.Content}}{{end}}',
  '{{ range 3 }}a{{ end }}',
  '{{- $system := .System }}',
  '{{ $.Prompt }}',
  '{{ . }}',
  '{{ . | json }}',
  '{{ json .Messages }}',
  '{{ printf "%s" .Prompt }}',
  '{{ (index .Messages 0).Content }}',
  '{{ len (slice $.Messages 1) }}',
  '{{ with .System }}{{ . }}{{ else }}none{{ end }}',
  '{{ define "turn" }}x{{ end }}{{ template "turn" . }}',
  '{{ block "b" . }}{{ end }}',
  '{{/* a comment */}}Hello',
  '{{- /* a comment */ -}}Hello',
  // Text is text, whatever it looks like.
  '{{ .Prompt }} {% is what Jinja begins with, and 100%} too',
  "{{ .Prompt }} {{ '{{ x }}' }}",
])('is a Go template: %s', (template) => {
  expect(isGoTemplate(template)).toBe(true);
});

test.each([
  '',
  'Hello',
  '{{ prompt }}',
  '{{ messages[0].content }}',
  '{{ messages[0]["content"] }}',
  "{{ messages | map(attribute='content') | join }}",
  '{{ range(3) | list }}',
  '{{ range (3) | list }}',
  '{{ block }}',
  '{{ template ~ "x" }}',
  '{{ with_tools }}',
  '{{ if_system }}',
  '{{ bos_token }}{{ messages[-1].content }}',
  '{{- x -}}',
  '{{ 1.5 }}',
  '{{ a .b }}',
  '{# {{ .Prompt }} #}{% for m in messages %}{{ m.content }}{% endfor %}',
  "{% if x %}{{ '{{ .Prompt }}' }}{% endif %}",
  "{%- set x = '{{ end }}' -%}{{ x }}",
])('is no Go template: %s', (template) => {
  expect(isGoTemplate(template)).toBe(false);
});

test('hostile text is read once', () => {
  for (const text of ['{{', '{{ ', '{{- ', '{%', '{% ', '{{ (', '{{ a (', '{{ if ', '{{ .']) {
    const begun = performance.now();
    isGoTemplate(text.repeat(2 ** 20 / text.length));
    isGoTemplate(`{{${text.slice(-1).repeat(2 ** 20)}`);
    expect(performance.now() - begun).toBeLessThan(20_000);
  }
});
