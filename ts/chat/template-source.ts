import type { ModelHeader } from '../inference/index.ts';

/** The part of a model's header that chatting needs. */
export type ChatHeader = Pick<ModelHeader, 'chatTemplate' | 'specialTokens' | 'metadata'>;

const GGUF_TEMPLATE = 'tokenizer.chat_template';
/** Characters. A longer list of templates is taken for a template, which is then too long. */
const LONGEST_LIST = 4 * 2 ** 20;

/** Some headers have very many keys, and each request asks. */
const namedBy = new WeakMap<ChatHeader, Map<string, string>>();

/**
 * The template for a request: models may bring one for tools besides the default one, as GGUF keys
 * (`tokenizer.chat_template.tool_use`) or as the list form of `tokenizer_config.json`. Undefined when the model has none.
 */
export function templateFor(header: ChatHeader, withTools: boolean): string | undefined {
  let named = namedBy.get(header);
  if (named === undefined) {
    named = namedTemplates(header);
    namedBy.set(header, named);
  }
  const forTools = withTools ? named.get('tool_use') : undefined;
  return forTools ?? named.get('default') ?? [...named.values()][0];
}

function namedTemplates(header: ChatHeader): Map<string, string> {
  const named = new Map<string, string>();
  const main = header.chatTemplate ?? header.metadata[GGUF_TEMPLATE];
  if (typeof main === 'string' && main.trim() !== '') {
    const list = listForm(main);
    if (list === undefined) named.set('default', main);
    else for (const entry of list) named.set(entry.name, entry.template);
  }
  for (const [key, value] of Object.entries(header.metadata)) {
    const name = key.startsWith(`${GGUF_TEMPLATE}.`) ? key.slice(GGUF_TEMPLATE.length + 1) : '';
    if (name !== '' && typeof value === 'string' && !named.has(name)) named.set(name, value);
  }
  return named;
}

/** `[{"name": …, "template": …}, …]` as text; undefined for a plain template. */
function listForm(text: string): { name: string; template: string }[] | undefined {
  if (text.length > LONGEST_LIST || !/^\s*\[/.test(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return undefined;
    const entries = parsed.filter(
      (entry): entry is { name: string; template: string } =>
        typeof entry?.name === 'string' && typeof entry?.template === 'string',
    );
    return entries.length > 0 ? entries : undefined;
  } catch {
    return undefined;
  }
}
