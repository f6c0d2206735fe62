import type { Schema } from './random-body.ts';

/** A route and what it takes, as the daemon describes itself. */
export interface Operation {
  method: string;
  path: string;
  schema: Schema | undefined;
}

/** These end the daemon, or never end. */
export const LEFT_OUT = new Set(['/ohmygpu/v1/shutdown', '/ohmygpu/v1/events']);

/** Every route of a daemon, new ones as well. What deletes comes last, so that the others have a model to ask. */
export async function operationsOf(url: string): Promise<Operation[]> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, { requestBody?: { content: { 'application/json': { schema: Schema } } } }>>;
  };
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      schema: requestBody?.content['application/json'].schema,
    })),
  );
  const isLast = ({ method }: Operation): number => (method === 'DELETE' ? 1 : 0);
  return all.sort((a, b) => isLast(a) - isLast(b));
}
