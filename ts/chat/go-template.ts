import { OmgError } from '../errors/index.ts';
import type { PromptSegment } from '../inference/index.ts';

export interface TemplateValues {
  System: string;
  Prompt: string;
  Suffix: string;
  Response: string;
}

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; name: keyof TemplateValues }
  | { kind: 'if'; name: keyof TemplateValues; whenSet: Node[]; otherwise: Node[] };

/**
 * Renders the part of Go's text/template that Ollama prompts need: `{{ .Prompt }}`, `{{ if .System }}…{{ else }}…{{ end }}` and
 * the trimming dashes. The template's own text may hold special tokens, the values may not. Throws `unsupported` for the rest.
 */
export function renderGoTemplate(template: string, values: TemplateValues): PromptSegment[] {
  const tokens = tokenize(template);
  const nodes = parse(tokens, false);
  const segments: PromptSegment[] = [];
  const add = (text: string, parseSpecial: boolean): void => {
    const last = segments.at(-1);
    if (text === '') return;
    if (last?.kind === 'text' && last.parseSpecial === parseSpecial) last.text += text;
    else segments.push({ kind: 'text', text, parseSpecial });
  };
  const render = (list: Node[]): void => {
    for (const node of list) {
      if (node.kind === 'text') add(node.text, true);
      else if (node.kind === 'value') add(values[node.name], false);
      else render(values[node.name] === '' ? node.otherwise : node.whenSet);
    }
  };
  render(nodes);
  return segments;
}

/** Whether a template is Go's text/template rather than Jinja: its fields begin with a dot, and it has no `{% %}`. */
export function isGoTemplate(template: string): boolean {
  if (template.includes('{%')) return false;
  return /\{\{-?\s*(?:\.|\$|(?:if|range|with|else|end|define|block|template)\b)/.test(template);
}

/**
 * A Jinja chat template that writes what Ollama writes with a Go template for one exchange: every finished exchange whole, the
 * last one up to its `.Response`. Throws `unsupported` for templates beyond `renderGoTemplate`.
 */
export function goTemplateToJinja(template: string): string {
  const nodes = parse(tokenize(template), false);
  return [
    `{%- macro whole(system, prompt, response) -%}${jinja(nodes)}{%- endmacro -%}`,
    `{%- macro opening(system, prompt, response) -%}${jinja(upToResponse(nodes).nodes)}{%- endmacro -%}`,
    `{%- set ns = namespace(system='', prompt='', response='') -%}`,
    `{%- for message in messages -%}`,
    `{%- if message.role == 'system' and (ns.prompt or ns.response) or message.role == 'user' and ns.response -%}`,
    `{{- whole(ns.system, ns.prompt, ns.response) -}}`,
    `{%- set ns.system = '' -%}{%- set ns.prompt = '' -%}{%- set ns.response = '' -%}`,
    `{%- endif -%}`,
    `{%- if message.role == 'system' -%}{%- set ns.system = message.content -%}`,
    `{%- elif message.role == 'user' -%}{%- set ns.prompt = message.content -%}`,
    `{%- elif message.role == 'assistant' -%}{%- set ns.response = message.content -%}`,
    `{%- else -%}{{- raise_exception('The template knows no role ' + message.role) -}}{%- endif -%}`,
    `{%- endfor -%}`,
    `{{- opening(ns.system, ns.prompt, ns.response) -}}`,
  ].join('');
}

function jinja(nodes: Node[]): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return `{{- ${quoted(node.text)} -}}`;
      const variable = node.name.toLowerCase();
      if (node.kind === 'value') return node.name === 'Suffix' ? '' : `{{- ${variable} -}}`;
      if (node.name === 'Suffix') return jinja(node.otherwise);
      return `{%- if ${variable} -%}${jinja(node.whenSet)}{%- else -%}${jinja(node.otherwise)}{%- endif -%}`;
    })
    .join('');
}

/** What stands up to the first `.Response`, also where it is inside an if. */
function upToResponse(nodes: Node[]): { nodes: Node[]; found: boolean } {
  const kept: Node[] = [];
  for (const node of nodes) {
    if (node.kind === 'if') {
      const whenSet = upToResponse(node.whenSet);
      const otherwise = upToResponse(node.otherwise);
      kept.push({ ...node, whenSet: whenSet.nodes, otherwise: otherwise.nodes });
      if (whenSet.found || otherwise.found) return { nodes: kept, found: true };
    } else {
      kept.push(node);
      if (node.kind === 'value' && node.name === 'Response') return { nodes: kept, found: true };
    }
  }
  return { nodes: kept, found: false };
}

function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `'${escaped}'`;
}

type Token = { kind: 'text'; text: string } | { kind: 'action'; text: string };

function tokenize(template: string): Token[] {
  const tokens: Token[] = [];
  let trimNext = false;
  let at = 0;
  for (const match of template.matchAll(/\{\{(- )?\s*(.*?)\s*( -)?\}\}/gs)) {
    let text = template.slice(at, match.index);
    if (trimNext) text = text.trimStart();
    if (match[1] !== undefined) text = text.trimEnd();
    if (text !== '') tokens.push({ kind: 'text', text });
    tokens.push({ kind: 'action', text: match[2] ?? '' });
    trimNext = match[3] !== undefined;
    at = match.index + match[0].length;
  }
  const rest = template.slice(at);
  if (rest.includes('{{')) throw unsupported('an action that does not end');
  tokens.push({ kind: 'text', text: trimNext ? rest.trimStart() : rest });
  return tokens;
}

/** Consumes tokens up to the end of the block; `else` and `end` stay for the caller. */
function parse(tokens: Token[], inBlock: boolean): Node[] {
  const nodes: Node[] = [];
  for (let token = tokens[0]; token !== undefined; token = tokens[0]) {
    if (token.kind === 'action' && inBlock && (token.text === 'else' || token.text === 'end')) return nodes;
    tokens.shift();
    if (token.kind === 'text') nodes.push({ kind: 'text', text: token.text });
    else nodes.push(parseAction(token.text, tokens));
  }
  if (inBlock) throw unsupported('an if without end');
  return nodes;
}

function parseAction(text: string, tokens: Token[]): Node {
  const condition = /^if\s+\.(\w+)$/.exec(text)?.[1];
  if (condition === undefined) return { kind: 'value', name: fieldName(/^\.(\w+)$/.exec(text)?.[1], text) };
  const name = fieldName(condition, text);
  const whenSet = parse(tokens, true);
  const hasElse = tokens.shift()?.text === 'else';
  const otherwise = hasElse ? parse(tokens, true) : [];
  if (hasElse) {
    if (tokens[0]?.text !== 'end') throw unsupported('a second else');
    tokens.shift();
  }
  return { kind: 'if', name, whenSet, otherwise };
}

function fieldName(name: string | undefined, action: string): keyof TemplateValues {
  if (name === 'System' || name === 'Prompt' || name === 'Suffix' || name === 'Response') return name;
  throw unsupported(`{{ ${action} }}`);
}

function unsupported(what: string): OmgError {
  return new OmgError('unsupported', `template: ${what} is not supported`, {
    hint: 'Go templates may use .System, .Prompt, .Suffix, .Response and if/else/end; a Jinja chat template is taken too. Leave `template` out to use the model’s own.',
    detail: { param: 'template' },
  });
}
