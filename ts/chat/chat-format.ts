import type { ToolDefinition } from '../inference/index.ts';
import type { CallFormat } from './answer/call-reader.ts';
import type { ReasoningTags } from './answer/reasoning-splitter.ts';

/** How the text of one answer is to be read. */
export interface ChatFormat {
  reasoning?: ReasoningTags;
  /** The prompt ends inside a reasoning span. */
  reasoningOpened: boolean;
  /** Absent when the request offers no tools: then nothing is a call. */
  calls?: CallFormat;
  tools: ToolDefinition[];
  /** The tags are special tokens of the tokenizer, which an engine does not print unless asked to. */
  keepSpecialTokens: boolean;
}

export interface FormatClues {
  template: string;
  /** As rendered; its end tells whether a span is open. */
  prompt: string;
  prefill: string | undefined;
  tools: ToolDefinition[];
}

interface Known<T> {
  /** Text that a template of this kind contains. */
  sign: string;
  special: boolean;
  format: T;
}

const REASONING: Known<ReasoningTags>[] = [
  { sign: '</think>', special: false, format: { open: '<think>', close: '</think>' } },
  { sign: '<think>', special: false, format: { open: '<think>', close: '</think>' } },
  { sign: '[THINK]', special: true, format: { open: '[THINK]', close: '[/THINK]' } },
];

/** The first sign that a template contains decides. */
const CALLS: Known<CallFormat>[] = [
  { sign: '<tool_call>', special: false, format: { open: '<tool_call>', close: '</tool_call>', bare: false } },
  { sign: '[TOOL_CALLS]', special: true, format: { open: '[TOOL_CALLS]', bare: false } },
  { sign: '<|tool_call|>', special: true, format: { open: '<|tool_call|>', close: '<|/tool_call|>', bare: false } },
  // Phi-4-mini names only the list it is given.
  { sign: '<|tool|>', special: true, format: { open: '<|tool_call|>', close: '<|/tool_call|>', bare: true } },
  { sign: '<|python_tag|>', special: true, format: { open: '<|python_tag|>', bare: true } },
];

/** Llama 3 names no tag in some templates and answers with JSON alone; the same suits templates of unknown kind. */
const UNKNOWN_CALLS: CallFormat = { open: '<tool_call>', close: '</tool_call>', bare: true };

export function formatOf({ template, prompt, prefill, tools }: FormatClues): ChatFormat {
  const reasoning = REASONING.find(({ sign }) => template.includes(sign));
  const calls = tools.length === 0 ? undefined : CALLS.find(({ sign }) => template.includes(sign));
  const tail = prefill ?? prompt.trimEnd().slice(-(reasoning?.format.open.length ?? 0));
  return {
    ...(reasoning === undefined ? {} : { reasoning: reasoning.format }),
    reasoningOpened:
      reasoning !== undefined && tail.lastIndexOf(reasoning.format.open) > tail.lastIndexOf(reasoning.format.close),
    ...(tools.length === 0 ? {} : { calls: calls?.format ?? UNKNOWN_CALLS }),
    tools,
    keepSpecialTokens: (reasoning?.special ?? false) || (calls?.special ?? false),
  };
}
