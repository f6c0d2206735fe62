import type { ServiceDeps } from './ports.ts';

/** The built-in names, with whether they are installed. A name's `latest` is what the name alone gives. */
export async function catalogJson({ models, catalog }: ServiceDeps): Promise<object> {
  const [entries, installed] = await Promise.all([catalog(), models.list()]);
  const names = new Set(installed.map(({ name }) => name.toLowerCase().replace(/^(?:ai|library)\//, '')));
  return { models: entries.map(({ name, repo }) => ({ name, repo, installed: names.has(name) })) };
}
