import { OmgError } from '../../errors/index.ts';
import type { HttpAnswer } from '../transfer/http.ts';
import { parseRetryAfter, TransientError } from '../transfer/retry.ts';

/** What a request was about, for messages. */
export interface Asked {
  repo: string;
  endpoint: string;
  hasToken: boolean;
  revision?: string;
  filename?: string;
}

/** The error for an answer of the hub that is not 2xx: `repo_gated`, `repo_not_found`, `hub_error`; transient ones for another try. */
export function hubError(answer: Pick<HttpAnswer, 'status' | 'headers' | 'fromHub'>, asked: Asked): Error {
  const { status, headers, fromHub } = answer;
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    return new TransientError(
      new OmgError('hub_error', `The hub answers ${status}${status === 429 ? ' (too many requests)' : ''}.`, {
        hint: status === 429 ? 'Wait a while; with HF_TOKEN set more is allowed.' : 'Try again later.',
        detail: { status },
      }),
      parseRetryAfter(headers['retry-after']) ?? rateLimitReset(headers.ratelimit),
    );
  }
  // Signed addresses of the storage host end after a while; the next try asks the hub for a new one.
  if (!fromHub) {
    return new TransientError(
      new OmgError('hub_error', `The storage of the hub answers ${status}.`, { detail: { status } }),
    );
  }
  const code = headers['x-error-code'];
  if (code === 'GatedRepo') return gated(asked);
  if (code === 'RevisionNotFound') {
    return notFound(
      `${asked.repo} has no revision ${JSON.stringify(asked.revision ?? 'main')}.`,
      'Check the part behind @.',
    );
  }
  if (code === 'EntryNotFound') return notFound(`${asked.repo} has no file ${JSON.stringify(asked.filename ?? '')}.`);
  if (code === 'RepoNotFound' || status === 404 || status === 410) return missing(asked);
  if (status === 401 && asked.hasToken) {
    return new OmgError('repo_gated', `The hub does not accept the token that it was sent for ${asked.repo}.`, {
      hint: 'HF_TOKEN is wrong, expired or revoked. `omg config get hub.token` tells whether one is set; huggingface.co/settings/tokens makes new ones.',
      detail: { status },
    });
  }
  // Without a token the hub does not tell a private repository from one that does not exist.
  if (status === 401) return missing(asked);
  if (status === 403) {
    return new OmgError('repo_gated', `The hub refuses access to ${asked.repo}.`, {
      hint: `Check HF_TOKEN and the page of the model: ${page(asked)}`,
      detail: { status },
    });
  }
  return new OmgError('hub_error', `The hub answers ${status} for ${asked.repo}.`, { detail: { status } });
}

/** `"api";r=0;t=120`: how the hub tells when it counts anew, in seconds (draft-ietf-httpapi-ratelimit-headers). */
function rateLimitReset(header: string | undefined): number | undefined {
  const seconds = /;\s*r=0;\s*t=(\d+)/.exec(header ?? '')?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function gated(asked: Asked): OmgError {
  return new OmgError('repo_gated', `${asked.repo} is gated: its owner asks for a licence to be accepted.`, {
    hint: asked.hasToken
      ? `Accept the licence at ${page(asked)} with the account of your HF_TOKEN.`
      : `Accept the licence at ${page(asked)}, then set HF_TOKEN to a token of that account.`,
    detail: { url: page(asked) },
  });
}

function missing(asked: Asked): OmgError {
  return notFound(
    `${asked.repo} does not exist, or it is private.`,
    asked.hasToken
      ? 'Check the name, and that the account of HF_TOKEN may read it.'
      : 'Check the name. For a private repository set HF_TOKEN.',
  );
}

function notFound(message: string, hint?: string): OmgError {
  return new OmgError('repo_not_found', message, { hint });
}

function page(asked: Asked): string {
  return `${asked.endpoint}/${asked.repo}`;
}
