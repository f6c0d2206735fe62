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

/** Characters. */
const LONGEST_TEMPLATE = 2 ** 20;
/** Characters; more than any window holds. */
const LONGEST_PROMPT = 8 * 2 ** 20;
const LONGEST_ACTION_SHOWN = 100;
/** Ifs inside of ifs. */
const DEEPEST = 100;

/**
 * Renders the part of Go's text/template that Ollama prompts need: `{{ .Prompt }}`, `{{ if .System }}…{{ else }}…{{ end }}` and
 * the trimming dashes. The template's own text may hold special tokens, the values may not. Throws `unsupported` for the rest, `invalid_request` for
 * a template or a prompt beyond all sense. Linear in both.
 */
export function renderGoTemplate(template: string, values: TemplateValues): PromptSegment[] {
  const nodes = parseTemplate(template);
  const segments: PromptSegment[] = [];
  let length = 0;
  const add = (text: string, parseSpecial: boolean): void => {
    const last = segments.at(-1);
    length += text.length;
    if (length > LONGEST_PROMPT) throw tooLong(`the template writes more than ${LONGEST_PROMPT} characters`);
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
  const nodes = parseTemplate(template);
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

function parseTemplate(template: string): Node[] {
  if (template.length > LONGEST_TEMPLATE) throw tooLong(`the template is longer than ${LONGEST_TEMPLATE} characters`);
  return new Parser(tokenize(template)).nodes(0);
}

function tokenize(template: string): Token[] {
  const tokens: Token[] = [];
  let trimNext = false;
  let at = 0;
  for (let open = template.indexOf('{{'); open >= 0; open = template.indexOf('{{', at)) {
    const close = template.indexOf('}}', open + 2);
    if (close < 0) throw unsupported('an action that does not end');
    const inner = template.slice(open + 2, close);
    // A dash trims where white space is between it and the action.
    const trimsBefore = /^-\s/.test(inner);
    const trimsAfter = /\s-$/.test(inner);
    let text = template.slice(at, open);
    if (trimNext) text = text.trimStart();
    if (trimsBefore) text = text.trimEnd();
    if (text !== '') tokens.push({ kind: 'text', text });
    tokens.push({ kind: 'action', text: inner.slice(trimsBefore ? 1 : 0, trimsAfter ? -1 : undefined).trim() });
    trimNext = trimsAfter;
    at = close + 2;
  }
  const rest = template.slice(at);
  tokens.push({ kind: 'text', text: trimNext ? rest.trimStart() : rest });
  return tokens;
}

class Parser {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  /** Reads up to the end of the block; `else` and `end` stay for the caller. */
  nodes(depth: number): Node[] {
    if (depth > DEEPEST) throw unsupported(`more than ${DEEPEST} ifs inside of each other`);
    const nodes: Node[] = [];
    for (let token = this.#tokens[this.#at]; token !== undefined; token = this.#tokens[this.#at]) {
      if (token.kind === 'action' && depth > 0 && (token.text === 'else' || token.text === 'end')) return nodes;
      this.#at += 1;
      nodes.push(token.kind === 'text' ? token : this.#action(token.text, depth));
    }
    if (depth > 0) throw unsupported('an if without end');
    return nodes;
  }

  #action(text: string, depth: number): Node {
    const condition = /^if\s+\.(\w+)$/.exec(text)?.[1];
    if (condition === undefined) return { kind: 'value', name: fieldName(/^\.(\w+)$/.exec(text)?.[1], text) };
    const name = fieldName(condition, text);
    const whenSet = this.nodes(depth + 1);
    const hasElse = this.#tokens[this.#at++]?.text === 'else';
    const otherwise = hasElse ? this.nodes(depth + 1) : [];
    if (hasElse) {
      if (this.#tokens[this.#at]?.text !== 'end') throw unsupported('a second else');
      this.#at += 1;
    }
    return { kind: 'if', name, whenSet, otherwise };
  }
}

function fieldName(name: string | undefined, action: string): keyof TemplateValues {
  if (name === 'System' || name === 'Prompt' || name === 'Suffix' || name === 'Response') return name;
  throw unsupported(`{{ ${action.slice(0, LONGEST_ACTION_SHOWN)} }}`);
}

function unsupported(what: string): OmgError {
  return new OmgError('unsupported', `template: ${what} is not supported`, {
    hint: 'Go templates may use .System, .Prompt, .Suffix, .Response and if/else/end; a Jinja chat template is taken too. Leave `template` out to use the model’s own.',
    detail: { param: 'template' },
  });
}

function tooLong(what: string): OmgError {
  return new OmgError('invalid_request', `template: ${what}`, {
    hint: 'Write a shorter template, or leave `template` out to use the model’s own.',
    detail: { param: 'template' },
  });
}
