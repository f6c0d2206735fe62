import { randomBytes } from 'node:crypto';
import { OmgError } from '../errors/index.ts';
import type { ChatMessage, ChatRequest, Grammar, PromptSegment } from '../inference/index.ts';
import { findAbilities, type TemplateAbilities } from './abilities.ts';
import { answerGrammar } from './answer-grammar.ts';
import { type ChatFormat, formatOf } from './chat-format.ts';
import { SpecialText } from './special-text.ts';
import { mergeRuns, type TemplateVariables, templateVariables } from './template-messages.ts';
import type { RenderJob } from './template-runtime.ts';
import { TemplateSandbox } from './template-sandbox.ts';
import { type ChatHeader, templateFor } from './template-source.ts';

export interface RenderedPrompt {
  segments: PromptSegment[];
  /** The segments' text joined. */
  text: string;
  /** How to read what the model answers to this prompt. */
  format: ChatFormat;
  /** What the answer must be written in, when the request asks for that. */
  grammar?: Grammar;
  /** The same for what follows thoughts that were closed for the model. */
  grammarAfterThoughts?: Grammar;
}

/** Runs templates; rejects with `template_failed`. */
export interface TemplateRenderer {
  render(job: RenderJob): Promise<string>;
  close(): Promise<void>;
}

const PREFILL_END = '\u{F0002}';
const MOST_REMEMBERED = 64;

/** Renders prompts from the models' own templates. One instance per daemon. */
export class ChatTemplates {
  readonly #sandbox: TemplateRenderer;
  readonly #abilities = new Map<string, Promise<TemplateAbilities>>();

  constructor(renderer: TemplateRenderer = new TemplateSandbox()) {
    this.#sandbox = renderer;
  }

  /** What the model's template can do; undefined when the model has none. */
  async abilities(header: ChatHeader): Promise<TemplateAbilities | undefined> {
    const plain = templateFor(header, false);
    if (plain === undefined) return undefined;
    const withTools = templateFor(header, true) ?? plain;
    const abilities = await this.#abilitiesOf(plain, header.specialTokens);
    if (withTools === plain) return abilities;
    const { tools, toolsInSystem } = await this.#abilitiesOf(withTools, header.specialTokens);
    return { ...abilities, tools, toolsInSystem };
  }

  /**
   * The prompt of a request. A trailing assistant message is left open, to be continued.
   * Throws `no_chat_template`, `template_failed`, `unsupported` (tools for a template that knows none).
   */
  async render(header: ChatHeader, request: ChatRequest): Promise<RenderedPrompt> {
    const withTools = (request.tools?.length ?? 0) > 0;
    const template = templateFor(header, withTools);
    if (template === undefined) {
      throw new OmgError('no_chat_template', 'The model has no chat template.', {
        hint: 'Use a completion route with a raw prompt, or an instruction-tuned variant of the model.',
      });
    }
    const abilities = await this.#abilitiesOf(template, header.specialTokens);
    if (withTools && !abilities.tools) {
      throw new OmgError('unsupported', 'The model does not support tools.', {
        hint: 'Its chat template has no place for them. Choose a model with the tools capability.',
      });
    }
    const { messages, prefill, mark } = openPrefill(request.messages);
    const renderWith = (given: ChatMessage[]): Promise<{ special: SpecialText; text: string }> => {
      const variables = templateVariables(
        { ...request, messages: given },
        {
          specialTokens: header.specialTokens,
          systemRole: abilities.system,
          toolsInSystem: abilities.toolsInSystem,
          shortCallIds: abilities.shortCallIds,
          addGenerationPrompt: prefill === undefined,
          leastEffort: abilities.thinking && !abilities.thinkingSwitch,
        },
      );
      return this.#renderSafely(template, header.specialTokens, variables);
    };
    const { special, text } = await renderWith(messages).catch((error: unknown) => {
      const merged = mergeRuns(messages);
      if (merged.length === messages.length) throw error;
      // The refusal may be of two messages of one role in a row.
      return renderWith(merged);
    });
    const segments = special.split(prefill === undefined ? text : upTo(text, mark));
    const whole = segments.map((segment) => (segment.kind === 'text' ? segment.text : '')).join('');
    const format = formatOf({ template, prompt: whole, prefill, tools: request.tools ?? [] });
    const grammar = answerGrammar({ template, request, format, thought: false });
    const grammarAfterThoughts = answerGrammar({ template, request, format, thought: true });
    return { segments, text: whole, format, ...(grammar === undefined ? {} : { grammar, grammarAfterThoughts }) };
  }

  async close(): Promise<void> {
    await this.#sandbox.close();
  }

  #abilitiesOf(template: string, specialTokens: Record<string, string>): Promise<TemplateAbilities> {
    const known = this.#abilities.get(template);
    if (known !== undefined) return known;
    const found = findAbilities(template, specialTokens, (variables) => this.#sandbox.render({ template, variables }));
    const oldest = this.#abilities.keys().next();
    if (this.#abilities.size >= MOST_REMEMBERED && !oldest.done) this.#abilities.delete(oldest.value);
    this.#abilities.set(template, found);
    found.catch(() => this.#abilities.delete(template));
    return found;
  }

  /** Hides special text from the template where that does not change what it writes; where it does, markup it looks for stays visible. */
  async #renderSafely(
    template: string,
    specialTokens: Record<string, string>,
    variables: TemplateVariables,
  ): Promise<{ special: SpecialText; text: string }> {
    const attempt = async (spare: boolean): Promise<{ special: SpecialText; text: string }> => {
      const special = new SpecialText(template, specialTokens, spare);
      const hidden = { ...variables, messages: special.hideDeep(variables.messages) };
      const tools = variables.tools === undefined ? {} : { tools: special.hideDeep(variables.tools) };
      return { special, text: await this.#sandbox.render({ template, variables: { ...hidden, ...tools } }) };
    };
    const hidden = await attempt(false);
    if (!hidden.special.found) return hidden;
    const plain = await this.#sandbox.render({ template, variables: { ...variables } });
    return hidden.special.reveal(hidden.text) === plain ? hidden : attempt(true);
  }
}

/** Marks the end of a trailing assistant message, so that the render can be cut there. */
function openPrefill(messages: ChatRequest['messages']): {
  messages: ChatRequest['messages'];
  prefill: string | undefined;
  mark: string;
} {
  const last = messages.at(-1);
  const mark = `${PREFILL_END}${randomBytes(6).toString('hex')}`;
  if (last?.role !== 'assistant' || (last.toolCalls?.length ?? 0) > 0) return { messages, prefill: undefined, mark };
  if (last.content === '') return { messages: messages.slice(0, -1), prefill: undefined, mark };
  return {
    messages: [...messages.slice(0, -1), { ...last, content: last.content + mark }],
    prefill: last.content,
    mark,
  };
}

function upTo(text: string, mark: string): string {
  const at = text.lastIndexOf(mark);
  if (at >= 0) return text.slice(0, at);
  throw new OmgError('template_failed', 'The chat template of the model does not write the last assistant message.', {
    hint: 'End the messages with a user message.',
  });
}
