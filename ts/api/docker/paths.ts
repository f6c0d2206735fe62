/** Clients that speak over Docker's socket put this before every path. */
const SOCKET_PREFIX = /^\/exp\/vDD\d+\.\d+(?=[/?]|$)/;

/** `/engines/v1/…`, `/engines/{backend}/v1/…`, and rerank and score, which also go without the version. */
const INFERENCE = /^\/engines(?:\/[^/]+?)??(\/v1\/.+|\/(?:rerank|score))$/;

export function stripDockerPrefix(url: string): string {
  const rest = url.replace(SOCKET_PREFIX, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** The path below `/v1` that a path of inference below `/engines` stands for; undefined for all others. */
export function inferencePath(path: string): string | undefined {
  const rest = INFERENCE.exec(path)?.[1];
  return rest === undefined || rest.startsWith('/v1/') ? rest : `/v1${rest}`;
}
