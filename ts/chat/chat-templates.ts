import { randomInt } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import type { ChatMessage, ChatRequest, Grammar, PromptSegment } from '../inference/index.ts';
import { answerGrammar } from './answer-grammar.ts';
import { type ChatFormat, formatOf } from './chat-format.ts';
import { isGoTemplate } from './go-template.ts';
import { type Draft, PLAIN_SPELLING } from './ladder/draft.ts';
import { findRefused } from './ladder/find-refused.ts';
import { type Climb, Ladder } from './ladder/ladder.ts';
import type { WrittenPrompt } from './special-text.ts';
import { promptVariables, templateVariables } from './template-messages.ts';
import type { TaskEnded } from './template-process.ts';
import { TemplateSandbox } from './template-sandbox.ts';
import { type ChatHeader, templateFor } from './template-source.ts';
import type { TaskResult, TemplateTask } from './template-task.ts';
import type { TemplateVerdict } from './template-verdict.ts';
import { TemplateVerdicts, templateDigest } from './template-verdicts.ts';
import { VerdictFile } from './verdict-file.ts';

export interface RenderedPrompt {
  segments: PromptSegment[];
  /** The segments' text joined. */
  text: string;
  /** What was changed so that the template takes the conversation, by name; none where it took it as it was. */
  adapted: string[];
  /** How to read what the model answers to this prompt. */
  format: ChatFormat;
  /** What the answer must be written in, when the request asks for that. */
  grammar?: Grammar;
  /** The same for what follows thoughts that were closed for the model. */
  grammarAfterThoughts?: Grammar;
}

/** Runs templates. Throws `cancelled`, `server_busy`, `shutting_down`; whatever a template does is an answer. */
export interface TemplateRenderer {
  run(task: TemplateTask, signal?: AbortSignal): Promise<TaskResult | TaskEnded>;
  close(): Promise<void>;
}

/** Private to whoever uses them; the first that the messages do not hold marks the end of a prefill. */
const FIRST_MARK = 0xf0002;
const LAST_MARK = 0xf00ff;

/** Renders prompts from the models' own templates. One instance per daemon. */
export class ChatTemplates {
  readonly #renderer: TemplateRenderer;
  readonly #verdicts: TemplateVerdicts;
  readonly #ladder = new Ladder();

  /** @param verdictsFile where what is known of templates is kept for later daemons. */
  constructor(renderer: TemplateRenderer = new TemplateSandbox(), verdictsFile?: string) {
    this.#renderer = renderer;
    const file = verdictsFile === undefined ? undefined : new VerdictFile(verdictsFile);
    this.#verdicts = new TemplateVerdicts((task) => renderer.run(task), file);
  }

  /**
   * What the model's template can do, or why it cannot be used; undefined when the model has none. Asked once per template, however it
   * went. Throws `server_busy`.
   */
  async abilities(header: ChatHeader): Promise<TemplateVerdict | undefined> {
    const plain = templateFor(header, false);
    if (plain === undefined) return undefined;
    const withTools = templateFor(header, true) ?? plain;
    const verdict = await this.#verdicts.of(plain, header.specialTokens);
    if (withTools === plain || 'unusable' in verdict) return verdict;
    const other = await this.#verdicts.of(withTools, header.specialTokens);
    if ('unusable' in other) return verdict;
    const { tools, toolsInSystem } = other.abilities;
    return { abilities: { ...verdict.abilities, tools, toolsInSystem } };
  }

  /**
   * The prompt of a request. A trailing assistant message is left open, to be continued. The signal drops the work.
   * Throws `no_chat_template`, `template_failed`, `unsupported` (tools or a suffix for a template that knows none), `cancelled`, `server_busy`.
   */
  async render(header: ChatHeader, request: ChatRequest, signal?: AbortSignal): Promise<RenderedPrompt> {
    const withTools = (request.tools?.length ?? 0) > 0;
    const template = request.template ?? templateFor(header, withTools);
    if (template === undefined) {
      throw new OmgError('no_chat_template', 'The model has no chat template.', {
        hint: 'Use a completion route with a raw prompt, or an instruction-tuned variant of the model.',
      });
    }
    const verdict = await this.#verdicts.of(template, header.specialTokens, signal);
    if ('unusable' in verdict) throw unusable(verdict.unusable);
    const { abilities } = verdict;
    if (withTools && !abilities.tools) {
      throw new OmgError('unsupported', 'The model does not support tools.', {
        hint: 'Its chat template has no place for them. Choose a model with the tools capability.',
      });
    }
    if (request.suffix !== undefined && !abilities.insert) {
      throw new OmgError('unsupported', 'The chat template has no place for a suffix.', {
        hint: 'Use a code model with fill-in-the-middle tokens, or leave `suffix` out.',
        detail: { param: 'suffix', capability: 'insert' },
      });
    }
    // Around a gap nothing is said but what stands there.
    const said = request.suffix === undefined ? request.messages : request.messages.slice(-1);
    const { messages, prefill, mark } = openPrefill(said);
    const end = prefill === undefined ? {} : { mark };
    const run = (draft: Draft, cut: { mark?: string }): Promise<TaskResult | TaskEnded> => {
      const variables = templateVariables(
        { ...request, messages: draft.messages, tools: draft.tools },
        {
          specialTokens: header.specialTokens,
          toolsInSystem: abilities.toolsInSystem,
          shortCallIds: abilities.shortCallIds,
          addGenerationPrompt: prefill === undefined,
          leastEffort: abilities.thinking && !abilities.thinkingSwitch,
          spelling: draft.spelling,
          ...(isGoTemplate(template) ? { go: { thinks: abilities.thinking } } : {}),
        },
      );
      const { specialTokens } = header;
      const written = promptVariables(variables, request.suffix);
      return this.#renderer.run({ kind: 'prompt', template, specialTokens, variables: written, ...cut }, signal);
    };
    const climb: Climb = {
      draft: { messages, tools: request.tools ?? [], spelling: PLAIN_SPELLING },
      first: abilities.system ? [] : ['system-in-user'],
      key: templateDigest(template),
      write: (draft) => run(draft, end),
      try: (draft) => run(draft, {}),
    };
    const { outcome, taken } = await this.#ladder.climb(climb);
    if ('refused' in outcome) throw refusal(outcome.refused, messages, await findRefused(climb));
    const { text, plain } = promptOf(outcome);
    const adapted = [...(request.adapted ?? []), ...taken];
    const format = formatOf({ template, prompt: text, prefill, tools: request.tools ?? [] });
    const grammar = answerGrammar({ template, request, format, thought: false });
    const grammarAfterThoughts = answerGrammar({ template, request, format, thought: true });
    const segments = promptSegments(text, plain);
    return { segments, text, adapted, format, ...(grammar === undefined ? {} : { grammar, grammarAfterThoughts }) };
  }

  async close(): Promise<void> {
    await Promise.all([this.#renderer.close(), this.#verdicts.close()]);
  }
}

function refusal(reason: string, messages: ChatMessage[], at: number): OmgError {
  const param = `messages[${at}]`;
  return new OmgError(
    'template_failed',
    `The chat template of the model refused ${param} (${messages[at]?.role}), however it was put: ${reason}`,
    { hint: 'Leave the message out, or write it in another way.', detail: { param } },
  );
}

function promptOf(written: TaskResult | TaskEnded): WrittenPrompt {
  if ('text' in written) return written;
  if ('ended' in written) {
    throw new OmgError('template_failed', `The chat template of the model did not come to an end: ${written.ended}`, {
      hint: 'Send less text, or fewer messages. If it is so with every request, `omg create` gives the model another template.',
    });
  }
  throw new OmgError('template_failed', 'The chat template of the model does not write the last assistant message.', {
    hint: 'End the messages with a user message.',
  });
}

function unusable(reason: string): OmgError {
  return new OmgError('template_failed', `The chat template of the model cannot be used: ${reason}`, {
    hint: 'Make a model with another template of it with `omg create`, or pull another build. Raw prompts work.',
  });
}

function promptSegments(text: string, plain: number[]): PromptSegment[] {
  const segments: PromptSegment[] = [];
  const add = (from: number, to: number, parseSpecial: boolean): void => {
    if (from < to) segments.push({ kind: 'text', text: text.slice(from, to), parseSpecial });
  };
  let at = 0;
  for (let next = 0; next + 1 < plain.length; next += 2) {
    const [from = at, to = at] = [plain[next], plain[next + 1]];
    add(at, from, true);
    add(from, to, false);
    at = to;
  }
  add(at, text.length, true);
  return segments;
}

/** Marks the end of a trailing assistant message, so that the render can be cut there. */
function openPrefill(messages: ChatRequest['messages']): {
  messages: ChatRequest['messages'];
  prefill: string | undefined;
  mark: string;
} {
  const last = messages.at(-1);
  const mark = `${unusedCharacter(messages)}${randomInt(1e11, 1e12)}`;
  if (last?.role !== 'assistant' || (last.toolCalls?.length ?? 0) > 0) return { messages, prefill: undefined, mark };
  if (last.content === '') return { messages: messages.slice(0, -1), prefill: undefined, mark };
  return {
    messages: [...messages.slice(0, -1), { ...last, content: last.content + mark }],
    prefill: last.content,
    mark,
  };
}

function unusedCharacter(messages: ChatMessage[]): string {
  for (let code = FIRST_MARK; code < LAST_MARK; code++) {
    const character = String.fromCodePoint(code);
    if (!messages.some(({ content }) => content.includes(character))) return character;
  }
  return String.fromCodePoint(LAST_MARK);
}
