/** Docker's registry, which names there leave out. */
const REGISTRY = 'docker.io/';
/** Where a bare name lies in it. */
const ORGANISATION = 'ai/';

/** All that docker model-runner takes for one name, the given one first: with and without `docker.io/`, and `ai/` before a bare name. */
export function nameVariants(reference: string): string[] {
  const path = without(REGISTRY, reference);
  const [first = '', ...rest] = path.split('/');
  const hasHost = rest.length > 1 || (rest.length === 1 && /[.:]/.test(first));
  if (hasHost) return [reference];
  const bare = without(ORGANISATION, path);
  const paths = bare.includes('/') ? [path] : [path, path === bare ? `${ORGANISATION}${bare}` : bare];
  return [...new Set([reference, ...paths, ...paths.map((one) => `${REGISTRY}${one}`)])];
}

function without(prefix: string, text: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}
