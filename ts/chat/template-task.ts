import { exactJson } from '../inference/index.ts';
import { findTemplateCapabilities, type TemplateCapabilities } from './abilities.ts';
import { type PromptTask, writePrompt } from './prompt-writer.ts';
import { SpecialFinder } from './special-finder.ts';
import type { WrittenPrompt } from './special-text.ts';
import type { TemplateVariables } from './template-messages.ts';
import { goNames, renderTemplate } from './template-runtime.ts';

/** What is asked of a template: what it can do, or a prompt. Everything that is done with a template's own text is done by the task. */
export type TemplateTask =
  | { kind: 'abilities'; template: string; specialTokens: Record<string, string> }
  | ({ kind: 'prompt' } & PromptTask);

export type TaskResult =
  | { abilities: TemplateCapabilities }
  | WrittenPrompt
  /** In the template's own words, or the engine's. */
  | { refused: string }
  /** The last message of the assistant, which was to be continued, is not in what the template wrote. */
  | { unfinished: true };

/** Never throws. Runs in the process for templates only: nothing bounds its time or memory here. */
export function runTask(task: TemplateTask): TaskResult {
  try {
    if (task.kind === 'prompt') return writePrompt(task);
    const { template, specialTokens } = task;
    // Prompts need it: one that cannot be made is a verdict on the template.
    new SpecialFinder(template, specialTokens);
    let hasText = false;
    let refused = '';
    const render = (variables: TemplateVariables): string | undefined => {
      const outcome = renderTemplate({ template, variables: exactJson(variables) });
      if ('text' in outcome) hasText = true;
      else refused ||= outcome.refused;
      return 'text' in outcome ? outcome.text : undefined;
    };
    const abilities = findTemplateCapabilities({ template, specialTokens, names: goNames(template), render });
    // What refuses everything that people say is of no use.
    return hasText ? { abilities } : { refused };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}
