import type { ToolDefinition } from '../inference/index.ts';
import type { CallFormat } from './answer/call-reader.ts';
import type { ReasoningTags } from './answer/reasoning-splitter.ts';

/** How the text of one answer is to be read. */
export interface ChatFormat {
  /** The answer is messages on channels, as gpt-oss writes them; then nothing else here says how to read it. */
  harmony?: boolean;
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

/** gpt-oss: the whole answer is messages on channels. */
const HARMONY_SIGN = '<|channel|>';
const HARMONY_REASONING: ReasoningTags = {
  open: '<|channel|>analysis<|message|>',
  close: '<|end|>',
  closing: '<|end|><|start|>assistant<|channel|>final<|message|>',
};

const DEEPSEEK: CallFormat = {
  open: ['<｜tool▁calls▁begin｜>', '<｜tool▁call▁begin｜>'],
  close: ['<｜tool▁call▁end｜>', '<｜tool▁calls▁end｜>'],
  bare: false,
};
/** Hermes, Qwen, GLM-4.5, Granite 4; Qwen3-Coder sometimes leaves the outer tag out. */
const HERMES: CallFormat = { open: ['<tool_call>', '<function='], close: ['</tool_call>'], bare: false };
const PIPED: CallFormat = { open: ['<|tool_call|>'], close: ['<|/tool_call|>'], bare: false };
const LFM2: CallFormat = { open: ['<|tool_call_start|>'], close: ['<|tool_call_end|>'], bare: false };

/** The first sign that a template contains decides. */
const CALLS: Known<CallFormat>[] = [
  { sign: '<｜tool▁call▁begin｜>', special: true, format: DEEPSEEK },
  { sign: '<start_function_call>', special: true, format: tagged('<start_function_call>', '<end_function_call>') },
  { sign: '<|tool_call>', special: true, format: tagged('<|tool_call>', '<tool_call|>') },
  { sign: '<|tool_call_start|>', special: true, format: LFM2 },
  { sign: '<|tool_list_start|>', special: true, format: LFM2 },
  { sign: '<tool_call>', special: false, format: HERMES },
  { sign: '[TOOL_CALLS]', special: true, format: tagged('[TOOL_CALLS]') },
  { sign: '<|tool_call|>', special: true, format: PIPED },
  // Phi-4-mini names only the list it is given.
  { sign: '<|tool|>', special: true, format: { ...PIPED, bare: true } },
  { sign: '<|python_tag|>', special: true, format: { open: ['<|python_tag|>'], bare: true } },
];

/** Llama 3 names no tag in some templates and answers with JSON alone; the same suits templates of unknown kind. */
const UNKNOWN_CALLS: CallFormat = { ...HERMES, open: ['<tool_call>', '<|python_tag|>'], bare: true };

function tagged(open: string, close?: string): CallFormat {
  return { open: [open], ...(close === undefined ? {} : { close: [close] }), bare: false };
}

export function formatOf({ template, prompt, prefill, tools }: FormatClues): ChatFormat {
  if (template.includes(HARMONY_SIGN) && template.includes('<|message|>')) {
    return { harmony: true, reasoning: HARMONY_REASONING, reasoningOpened: false, tools, keepSpecialTokens: true };
  }
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
