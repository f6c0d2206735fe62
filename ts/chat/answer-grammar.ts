import { OmgError } from '../errors/index.ts';
import type { ChatRequest, Grammar, GrammarAfter, GrammarRule, ToolDefinition } from '../inference/index.ts';
import { callsGrammar, harmonyCalls } from './call-grammar.ts';
import type { ChatFormat } from './chat-format.ts';

export interface AnswerGrammarInput {
  template: string;
  request: ChatRequest;
  format: ChatFormat;
  /** The prompt ends behind the thoughts, and no more may follow. */
  thought: boolean;
}

/** What the answer to a request must be written in; undefined when it is free. Thoughts come before it. */
export function answerGrammar(clues: AnswerGrammarInput): Grammar | undefined {
  const { request, format, thought } = clues;
  const grammar = format.harmony === true ? harmonyGrammar(clues) : contentGrammar(clues);
  if (grammar === undefined || format.reasoning === undefined || thought) return grammar;
  // Who was told not to think has no other way to begin than with the answer. Harmony cannot be told.
  if (request.think === false && !format.reasoningOpened && format.harmony !== true) return grammar;
  const { open, close } = format.reasoning;
  const after: GrammarAfter = { ...grammar.after, span: { open, close, opened: format.reasoningOpened } };
  return { ...grammar, after };
}

function contentGrammar({ template, request, format }: AnswerGrammarInput): Grammar | undefined {
  const { outputFormat, toolChoice, singleCall = false } = request;
  const tools = request.tools ?? [];
  const { calls } = format;
  if (calls === undefined || tools.length === 0) return outputFormat;
  const written = callsGrammar({ template, format: calls, tools: callable(tools, toolChoice), single: singleCall });
  const lark = (start: string, rules: Record<string, GrammarRule> = {}): Grammar => ({
    kind: 'lark',
    source: `start: ${start}\n${written.source}`,
    rules: { ...written.rules, ...rules },
  });
  if (toolChoice !== undefined) return lark('calls');
  if (outputFormat !== undefined) {
    const document = documentRule(outputFormat);
    return lark(`calls | ${document.body}`, document.rules);
  }
  if (!tools.some(isStrict)) return undefined;
  // A call without an announcement is told by its first character, others by their tag.
  if (written.opener === '') return lark(`calls | FREE\nFREE: ${freeText(calls.open)}`);
  return { ...lark('announced'), after: { opener: written.opener } };
}

/** gpt-oss: content is a message on the final channel. Its strict tools are bound where a call is forced. */
function harmonyGrammar({ request, thought }: AnswerGrammarInput): Grammar | undefined {
  const { outputFormat, toolChoice } = request;
  const tools = request.tools ?? [];
  // Behind closed thoughts the final message has begun.
  if (thought) return outputFormat;
  const calls = harmonyCalls(callable(tools, toolChoice));
  if (toolChoice !== undefined) return { kind: 'lark', source: `start: calls\n${calls.source}`, rules: calls.rules };
  if (outputFormat === undefined) return undefined;
  const document = documentRule(outputFormat);
  const final = { begin: { text: '<|start|>assistant' }, final: { text: '<|channel|>final<|message|>' } };
  const alone = `begin? final ${document.body}`;
  return tools.length === 0
    ? { kind: 'lark', source: `start: ${alone}`, rules: { ...final, ...document.rules } }
    : {
        kind: 'lark',
        source: `start: calls | ${alone}\n${calls.source}`,
        rules: { ...calls.rules, ...final, ...document.rules },
      };
}

function callable(tools: ToolDefinition[], choice: ChatRequest['toolChoice']): ToolDefinition[] {
  return typeof choice === 'object' ? tools.filter(({ name }) => name === choice.name) : tools;
}

function isStrict({ strict }: ToolDefinition): boolean {
  return strict === true;
}

/** Text that no reader takes for a call: it does not begin with a brace and announces nothing. */
function freeText(announcements: string[]): string {
  const escaped = announcements.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  return `/[^\\s{](.|\\n)*/ & ~/(.|\\n)*(${escaped.join('|')})(.|\\n)*/`;
}

/** A document as a part of a larger grammar. */
function documentRule(format: NonNullable<ChatRequest['outputFormat']>): {
  body: string;
  rules: Record<string, GrammarRule>;
} {
  switch (format.kind) {
    case 'json_schema':
      return { body: 'document', rules: { document: { schema: format.schema, strict: format.strict ?? false } } };
    case 'json_object':
      return { body: 'document', rules: { document: { schema: { type: 'object' } } } };
    case 'regex':
      return { body: `/${format.pattern.replaceAll('/', '\\/')}/`, rules: {} };
    case 'gbnf':
      throw new OmgError('unsupported', 'A GBNF grammar cannot be one of two ways to answer.', {
        hint: 'Leave the tools out, or write the grammar in Lark.',
      });
    case 'lark':
      return { body: `%lark {\n${format.source}\n}`, rules: format.rules ?? {} };
  }
}
