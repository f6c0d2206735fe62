import { mapStrings } from '../inference/index.ts';
import { SpecialFinder } from './special-finder.ts';
import { holdsPlaceholder, SpecialText, type WrittenPrompt } from './special-text.ts';
import { renderTemplate } from './template-runtime.ts';

export interface PromptTask {
  template: string;
  specialTokens: Record<string, string>;
  variables: PromptVariables;
  /** The prompt ends where the last of these is. Its first character is nowhere else in what was sent. */
  mark?: string;
}

/** JSON texts, so that numbers and keys reach the template as they were written. */
export interface PromptVariables {
  messages: string;
  tools: string;
  /** `{prompt, suffix}`: what stands around a gap that is to be filled. The messages do not count then. */
  gap?: string;
  /** An object of all other variables. */
  others: string;
}

type Written = WrittenPrompt | { refused: string } | { unfinished: true };

/**
 * Hides special text from the template where that does not change what it writes; where it does, markup it looks for stays visible. A
 * template that takes the placeholders themselves to pieces is refused: they would get into the prompt.
 */
export function writePrompt(task: PromptTask): Written {
  const finder = new SpecialFinder(task.template, task.specialTokens);
  const hidden = attempt(task, new SpecialText(finder, false));
  if ('refused' in hidden || !hidden.special.found) return cut(task, hidden);
  const plain = renderTemplate({ template: task.template, variables: joined(task.variables) });
  if ('refused' in plain) return plain;
  if (hidden.special.reveal(hidden.text).text === plain.text) return cut(task, hidden);
  const spared = attempt(task, new SpecialText(finder, true));
  if ('refused' in spared) return spared;
  const { text } = spared.special.reveal(spared.text);
  if (text === plain.text || !holdsPlaceholder(text)) return cut(task, spared);
  return { refused: 'they hold text that looks like a special token, and the template takes such text to pieces' };
}

type Attempt = { special: SpecialText; text: string } | { refused: string };

function attempt({ template, variables }: PromptTask, special: SpecialText): Attempt {
  const hide = (json: string): string => mapStrings(json, (text) => special.hide(text));
  const { messages, tools, gap, others } = variables;
  const hidden = {
    messages: hide(messages),
    tools: hide(tools),
    ...(gap === undefined ? {} : { gap: hide(gap) }),
    others,
  };
  const outcome = renderTemplate({ template, variables: joined(hidden) });
  return 'text' in outcome ? { special, text: outcome.text } : outcome;
}

function joined({ messages, tools, gap = '{}', others }: PromptVariables): string {
  const rest = [gap, others].map((json) => (json === '{}' ? '' : `,${json.slice(1, -1)}`));
  return `{"messages":${messages},"tools":${tools}${rest.join('')}}`;
}

function cut({ mark }: PromptTask, written: Attempt): Written {
  if ('refused' in written) return written;
  if (mark === undefined) return written.special.reveal(written.text);
  const end = written.text.lastIndexOf(mark);
  const text = end < 0 ? '' : written.text.slice(0, end).replaceAll(mark, '');
  const [sign = ''] = mark;
  // A part of a mark is left where the template cuts its messages.
  return end < 0 || text.includes(sign) ? { unfinished: true } : written.special.reveal(text);
}
