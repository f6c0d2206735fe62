import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './checkout.ts';

/** The types that both the engine and the control plane declare must have the same fields, or one of them loses what the other says. */
const textOf = (folder: RegExp) =>
  repositoryFiles()
    .filter((path) => folder.test(path))
    .map((path) => readRepositoryFile(path))
    .join('\n');
const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
const rust = withoutComments(textOf(/^crates\/omg-engine\/src\/types\/[^/]+\.rs$/));
const typescript = withoutComments(textOf(/^ts\/inference\/[^/]+\.ts$/));

const camel = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The text between the brace at `open` and its counterpart. */
function block(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    else if (text[at] === '}' && --depth === 0) return text.slice(open + 1, at);
  }
  throw new Error('a brace is never closed');
}

/** The fields of each braced list in `text`, without those of types nested in them. */
function fieldsOf(text: string, field: RegExp): string[] {
  const flat = text.replace(/\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '{}');
  return [...flat.matchAll(field)].map((match) => match.slice(1).find((name) => name !== undefined) ?? '');
}

const RUST_FIELD =
  /(?:#\[serde\([^\]]*rename = "(\w+)"[^\]]*\)\]\s*(?:pub )?\w+:|(?:^|[{,\]\n])\s*(?:pub )?(\w+):(?!:))/g;

function rustStruct(name: string): string[] {
  const start = rust.indexOf(`pub struct ${name} {`);
  expect(start, name).toBeGreaterThanOrEqual(0);
  const attributes = rust.slice(rust.lastIndexOf('}', start) + 1, start);
  const tag = /tag = "(\w+)"/.exec(attributes)?.[1];
  const names = fieldsOf(block(rust, rust.indexOf('{', start)), RUST_FIELD).map(camel);
  return [...(tag === undefined ? [] : [tag]), ...names].sort();
}

/** By the value of the tag. */
function rustEnum(name: string): Record<string, string[]> {
  const start = rust.indexOf(`pub enum ${name} {`);
  expect(start, name).toBeGreaterThanOrEqual(0);
  const attributes = rust.slice(rust.lastIndexOf('}', start) + 1, start);
  const snake = attributes.includes('snake_case');
  const body = block(rust, rust.indexOf('{', start));
  const variants = [...body.matchAll(/^ {4}([A-Z]\w*)( \{)?/gm)];
  return Object.fromEntries(
    variants.map((variant) => {
      const name = variant[1] ?? '';
      const tag = snake ? name.replace(/\B[A-Z]/g, '_$&').toLowerCase() : name.toLowerCase();
      const fields =
        variant[2] === undefined ? [] : fieldsOf(block(body, body.indexOf('{', variant.index)), RUST_FIELD);
      return [tag, fields.map(camel).sort()];
    }),
  );
}

const TS_FIELD = /(?:^|[{;\n])\s*(?:readonly )?(\w+)\??:/g;

function tsInterface(name: string): string[] {
  const start = typescript.search(new RegExp(`export interface ${name}\\b`));
  expect(start, name).toBeGreaterThanOrEqual(0);
  return fieldsOf(block(typescript, typescript.indexOf('{', start)), TS_FIELD).sort();
}

/** The members of a union by the value of their tag. */
function tsUnion(name: string, tag: string): Record<string, string[]> {
  const start = typescript.search(new RegExp(`export type ${name}\\b`));
  expect(start, name).toBeGreaterThanOrEqual(0);
  const end = typescript.indexOf('\nexport ', start + 1);
  const union = typescript.slice(start, end < 0 ? undefined : end);
  return Object.fromEntries(
    [...union.matchAll(new RegExp(`\\{\\s*${tag}: '(\\w+)'`, 'g'))].map((member) => [
      member[1] ?? '',
      fieldsOf(block(union, member.index), TS_FIELD)
        .filter((field) => field !== tag)
        .sort(),
    ]),
  );
}

const STRUCTS: [engine: string, controlPlane: string][] = [
  ['Sampling', 'Sampling'],
  ['GenerateRequest', 'GenerateRequest'],
  ['TokenLogprob', 'TokenLogprob'],
  ['Usage', 'GenerateUsage'],
  ['Timings', 'GenerateTimings'],
  ['EmbedRequest', 'EmbedRequest'],
  ['Embeddings', 'Embeddings'],
  ['ReadText', 'ReadText'],
  ['ScoreRequest', 'ScoreRequest'],
  ['Scores', 'Scores'],
  ['LoadSpec', 'LoadSpec'],
  ['MemoryPlan', 'MemoryPlan'],
  ['LoadedModelInfo', 'LoadedModelInfo'],
  ['DeviceInfo', 'DeviceInfo'],
  ['ModelHeader', 'ModelHeader'],
  ['GrammarAfter', 'GrammarAfter'],
];

test.each(STRUCTS)('%s of the engine has the fields of %s', (engine, controlPlane) => {
  const fields = rustStruct(engine);
  expect(fields.length).toBeGreaterThan(0);
  expect(fields).toEqual(tsInterface(controlPlane));
});

test.each([
  ['PromptSegment', 'PromptSegment', 'kind', 2],
  ['Event', 'GenerateEvent', 'type', 3],
  ['GrammarSource', 'GrammarSource', 'kind', 5],
] as const)('%s of the engine has the forms of %s', (engine, controlPlane, tag, count) => {
  const forms = rustEnum(engine);
  expect(Object.keys(forms)).toHaveLength(count);
  expect(forms).toEqual(tsUnion(controlPlane, tag));
});

test('both list the same kinds of work', () => {
  expect(Object.keys(rustEnum('WorkRequest')).sort()).toEqual(tsInterface('Work'));
  expect(Object.keys(rustEnum('WorkEvent')).sort()).toEqual(tsInterface('Work'));
});

test('a struct that no pair names is not sent, or is a part of one', () => {
  const parts = ['Alternative', 'TensorSummary', 'FreeSpan', 'Grammar', 'DeviceShare', 'StagePlan'];
  const structs = [...rust.matchAll(/pub struct (\w+)/g)].map((match) => match[1] ?? '');
  expect(structs.filter((name) => !parts.includes(name)).sort()).toEqual(STRUCTS.map(([name]) => name).sort());
});
