import type { GrammarRule, ToolDefinition } from '../inference/index.ts';
import type { CallFormat } from './answer/call-reader.ts';
import {
  type ArgumentSpelling,
  argumentsGrammar,
  FUNCTION_MARKUP,
  gemma,
  invokeMarkup,
  KEY_VALUE_MARKUP,
  literal,
  PYTHON,
  TIGHT_KEY_VALUE_MARKUP,
} from './argument-grammar.ts';

export interface CallGrammarInput {
  template: string;
  format: CallFormat;
  /** The tools that may be called. */
  tools: ToolDefinition[];
  /** One call and no more. */
  single: boolean;
}

/** Calls of one answer, at most: a model that never tires of calling would else fill its window. */
const MOST_CALLS = 16;

/** How calls are put down. Texts may hold special tokens; an empty one is left out. */
interface Spelling {
  /** Announces the calls; without it a call stands alone. */
  open: string;
  /** Before each further call. */
  again: string;
  /** Behind each call. */
  end: string;
  /** Behind all of them. */
  close: string;
  /** All calls are one list in brackets. */
  list: boolean;
  /** One call, around the rule of its arguments. */
  call: (name: string, args: string) => string;
  /** How the arguments are put down where they are no JSON object. */
  arguments?: ArgumentSpelling;
  /** Texts that `call` uses as rules. */
  texts: Record<string, string>;
}

/**
 * The calls of a model in its own spelling, as Lark. Rule `calls` is all of an answer; `announced` is what follows the text `opener`,
 * which announces the first call.
 */
export function callsGrammar({ template, format, tools, single }: CallGrammarInput): {
  source: string;
  rules: Record<string, GrammarRule>;
  opener: string;
} {
  const spelling = spellingOf(template, format);
  const rules: Record<string, GrammarRule> = {};
  const rule = (name: string, text: string): string => {
    if (text === '') return '';
    rules[name] = { text };
    return `SPACE? ${name}`;
  };
  const own: string[] = [];
  for (const [index, tool] of tools.entries()) {
    if (spelling.arguments === undefined) {
      rules[`arguments_${index}`] = { schema: { type: 'object', ...tool.parameters }, strict: tool.strict ?? false };
      continue;
    }
    const written = argumentsGrammar(tool, spelling.arguments, String(index));
    own.push(...written.lines);
    Object.assign(rules, written.rules);
  }
  for (const [name, text] of Object.entries(spelling.texts)) rules[name] = { text };
  const repeated = (one: string, between: string): string =>
    single ? one : `${one} (${between} ${one}){0,${MOST_CALLS - 1}}`;
  const announced = spelling.list
    ? `SPACE? "[" SPACE? ${repeated('one_call', 'SPACE? "," SPACE?')} SPACE? "]"`
    : repeated(`SPACE? one_call ${rule('end_tag', spelling.end)}`, single ? '' : rule('again_tag', spelling.again));
  const lines = [
    `one_call: ${tools.map((_, index) => `call_${index}`).join(' | ')}`,
    ...tools.map(({ name }, index) => `call_${index}: ${spelling.call(name, `arguments_${index}`)}`),
    ...own,
    ...(spelling.open === ''
      ? [`calls: ${repeated('one_call', '(SPACE | ";" SPACE?)')}`]
      : [
          `announced: ${announced} ${rule('close_tag', spelling.close)}`,
          `calls: ${rule('open_tag', spelling.open).replace('SPACE? ', '')} announced`,
        ]),
    'SPACE: /[ \\t\\r\\n]{1,4}/',
  ];
  return { source: lines.join('\n'), rules, opener: spelling.open };
}

function spellingOf(template: string, { open, close = [], bare }: CallFormat): Spelling {
  const tag = open[0] ?? '';
  const json = {
    open: tag,
    again: tag,
    end: close[0] ?? '',
    close: '',
    list: false,
    call: (name: string, args: string) => jsonCall(name, 'arguments', args),
    texts: {},
  };
  const list = { ...json, again: '', end: '', close: close[0] ?? '', list: true };
  // Phi-4-mini is only heard of as bare; it writes the tag that its kin name.
  if (tag === '<|tool_call|>' || tag === '<TOOLCALL>') return list;
  if (tag === '<|tool_call_start|>' || tag === '<|python_start|>') return { ...list, ...python };
  if (tag === '<function_calls>') return { ...json, ...python, again: '', end: '', close: close[0] ?? '' };
  if (tag === '<|START_ACTION|>') {
    const call = (name: string, args: string): string => jsonCall(name, 'parameters', args, 'tool_name');
    return { ...list, call };
  }
  if (tag === '<|tools_prefix|>') {
    return {
      ...list,
      call: (name, args) => `"{" SPACE? ${literal(JSON.stringify(name))} SPACE? ":" SPACE? ${args} SPACE? "}"`,
    };
  }
  if (tag === '<tool_calls>') {
    if (!template.includes('<arg_key>')) return { ...list, close: close[1] ?? '' };
    const call = (name: string, args: string): string => `${literal(name)} name_end "\\n" ${args}`;
    const texts = { name_end: '<tool_sep>' };
    return {
      ...json,
      open: tag + open[1],
      again: open[1] ?? '',
      close: close[1] ?? '',
      call,
      texts,
      arguments: KEY_VALUE_MARKUP,
    };
  }
  if (tag === '<start_function_call>' || tag === '<|tool_call>') {
    const quote = template.includes('<escape>') ? '<escape>' : '<|"|>';
    return { ...json, call: (name, args) => `${literal(`call:${name}{`)} ${args} "}"`, arguments: gemma(quote) };
  }
  if (tag === '<|tool_calls_section_begin|>') {
    const again = open[1] ?? '';
    return {
      ...json,
      open: tag + again,
      again,
      close: close[1] ?? '',
      call: (name, args) => `${literal(`functions.${name}:`)} /[0-9]{1,2}/ separator ${args}`,
      texts: { separator: '<|tool_call_argument_begin|>' },
    };
  }
  if (tag === '<minimax:tool_call>')
    return { ...json, ...invoke('', false), again: '', end: '', close: close[0] ?? '' };
  if (tag.startsWith('<｜DSML｜')) {
    const open = template.includes('<｜DSML｜tool_calls>') ? '<｜DSML｜tool_calls>' : tag;
    return { ...json, ...invoke('｜DSML｜', true), open, again: '', end: '', close: open.replace('<', '</') };
  }
  if (template.includes('<function=') && template.includes('<parameter=')) {
    return {
      ...json,
      call: (name, args) => `${literal(`<function=${name}>\n`)} ${args} "</function>\\n"`,
      arguments: FUNCTION_MARKUP,
    };
  }
  if (template.includes('<arg_key>')) {
    const tight = template.includes('</arg_key><arg_value>');
    return {
      ...json,
      call: (name, args) => `${literal(tight ? name : `${name}\n`)} ${args}`,
      arguments: tight ? TIGHT_KEY_VALUE_MARKUP : KEY_VALUE_MARKUP,
    };
  }
  if (bare) {
    const key = template.includes('"parameters"') && !template.includes('"arguments"') ? 'parameters' : 'arguments';
    return { ...json, open: '', again: '', end: '', call: (name, args) => jsonCall(name, key, args) };
  }
  if (tag === '[TOOL_CALLS]') {
    if (!template.includes('[ARGS]')) return { ...json, again: '', list: true };
    return { ...json, call: (name, args) => `${literal(name)} name_end SPACE? ${args}`, texts: { name_end: '[ARGS]' } };
  }
  if (tag === '<｜tool▁calls▁begin｜>') {
    const fenced = template.includes('```json');
    const again = open[1] ?? '';
    return {
      ...json,
      open: tag + again,
      again,
      close: close[1] ?? '',
      call: fenced
        ? (name, args) => `before_name ${literal(`${name}\n\`\`\`json\n`)} ${args} ${literal('\n```')}`
        : (name, args) => `${literal(name)} separator ${args}`,
      texts: fenced ? { before_name: 'function<｜tool▁sep｜>' } : { separator: '<｜tool▁sep｜>' },
    };
  }
  return json;
}

const python = {
  call: (name: string, args: string): string => `${literal(`${name}(`)} ${args} ")"`,
  arguments: PYTHON,
};

function invoke(prefix: string, saysText: boolean): Pick<Spelling, 'call' | 'arguments'> {
  return {
    call: (name, args) => `${literal(`<${prefix}invoke name="${name}">\n`)} ${args} ${literal(`</${prefix}invoke>\n`)}`,
    arguments: invokeMarkup(prefix, saysText),
  };
}

function jsonCall(name: string, key: string, args: string, nameKey = 'name'): string {
  const pair = (field: string, value: string): string => `${literal(JSON.stringify(field))} SPACE? ":" SPACE? ${value}`;
  return `"{" SPACE? ${pair(nameKey, literal(JSON.stringify(name)))} SPACE? "," SPACE? ${pair(key, args)} SPACE? "}"`;
}

/** gpt-oss: the name stands in the header of a message on the commentary channel. */
export function harmonyCalls(tools: ToolDefinition[]): { source: string; rules: Record<string, GrammarRule> } {
  const rules: Record<string, GrammarRule> = { begin: { text: '<|start|>assistant' } };
  for (const [index, { name, parameters, strict }] of tools.entries()) {
    rules[`header_${index}`] = { text: `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>` };
    rules[`arguments_${index}`] = { schema: { type: 'object', ...parameters }, strict: strict ?? false };
  }
  const calls = tools.map((_, index) => `header_${index} arguments_${index}`).join(' | ');
  // The message ends generation, so there is one call.
  return { source: `calls: begin? (${calls})`, rules };
}
