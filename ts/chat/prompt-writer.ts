import { SpecialText } from './special-text.ts';
import type { TemplateVariables } from './template-messages.ts';
import { renderTemplate } from './template-runtime.ts';

export interface PromptTask {
  template: string;
  specialTokens: Record<string, string>;
  variables: TemplateVariables;
  /** The prompt ends where the last of these is. */
  mark?: string;
}

/** `plain` has the begin and end of each stretch of `text` in which special tokens are not parsed, one after another. */
export interface WrittenPrompt {
  text: string;
  plain: number[];
}

type Written = WrittenPrompt | { refused: string } | { unfinished: true };

/** Hides special text from the template where that does not change what it writes; where it does, markup it looks for stays visible. */
export function writePrompt(task: PromptTask): Written {
  const hidden = attempt(task, false);
  if ('refused' in hidden || !hidden.special.found) return cut(task, hidden);
  const plain = renderTemplate({ template: task.template, variables: { ...task.variables } });
  if ('refused' in plain) return plain;
  return cut(task, hidden.special.reveal(hidden.text).text === plain.text ? hidden : attempt(task, true));
}

type Attempt = { special: SpecialText; text: string } | { refused: string };

function attempt({ template, specialTokens, variables }: PromptTask, spare: boolean): Attempt {
  const special = new SpecialText(template, specialTokens, spare);
  const hidden = { ...variables, messages: special.hideDeep(variables.messages) };
  const tools = variables.tools === undefined ? {} : { tools: special.hideDeep(variables.tools) };
  const outcome = renderTemplate({ template, variables: { ...hidden, ...tools } });
  return 'text' in outcome ? { special, text: outcome.text } : outcome;
}

function cut({ mark }: PromptTask, written: Attempt): Written {
  if ('refused' in written) return written;
  if (mark === undefined) return written.special.reveal(written.text);
  const end = written.text.lastIndexOf(mark);
  return end < 0 ? { unfinished: true } : written.special.reveal(written.text.slice(0, end));
}
