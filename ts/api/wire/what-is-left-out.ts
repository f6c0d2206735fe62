/** Stands in a message for what the model does not take. */
export const IMAGE_LEFT_OUT = '[An image was left out: the model does not take images.]';
export const FILE_LEFT_OUT = '[A file was left out: the model takes plain text only.]';

/** Names for what a dialect had to change before the model could be asked; they are reported with the answer. */
export type Adaptation = 'images-left-out' | 'files-left-out' | 'tools-left-out' | 'items-as-text';

/** Collects them over one request. */
export class Adaptations {
  readonly #names = new Set<Adaptation>();

  note(name: Adaptation): void {
    this.#names.add(name);
  }

  /** As a field of the chat request; none is no field. */
  get field(): { adapted?: string[] } {
    return this.#names.size === 0 ? {} : { adapted: [...this.#names] };
  }
}

/** A block or item that only another service can make sense of, as text that tells the model what it was. */
export function asText(item: object): string {
  const {
    type,
    id: _,
    status: _status,
    cache_control: _cache,
    encrypted_content: _hidden,
    ...rest
  } = item as Record<string, unknown>;
  const own = readable(rest);
  return own === '' ? `[${String(type)}]` : `[${String(type)}: ${own}]`;
}

/** Fields that hold what was said; the first of them that holds any is enough. */
const SAID = ['text', 'input', 'output', 'content', 'action', 'query', 'queries', 'result', 'results', 'arguments'];

function readable(item: Record<string, unknown>): string {
  const name = typeof item.name === 'string' ? item.name : typeof item.tool_name === 'string' ? item.tool_name : '';
  const said = SAID.map((field) => saidBy(item[field])).filter((text) => text !== '');
  return [name, said.join('\n')].filter((text) => text !== '').join(' ');
}

function saidBy(value: unknown): string {
  if (value === undefined || value === null || value === '') return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every(hasText)) return value.map(({ text }) => text).join('\n');
  return JSON.stringify(value, (key, field: unknown) => (key.startsWith('encrypted') ? undefined : field));
}

function hasText(value: unknown): value is { text: string } {
  return typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string';
}
