import type { z } from 'zod';
import { OmgError } from '../../errors/index.ts';

/** An optional field; explicit null means absent, as clients of every dialect assume. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/** The body as the schema has it. Throws `invalid_request` with `detail.param`, the path of the first wrong field. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  if (body === undefined || body === null) {
    throw new OmgError('invalid_request', 'missing request body', { hint: 'Send a JSON object.' });
  }
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new OmgError(
      'invalid_json',
      `The request body must be a JSON object, not ${Array.isArray(body) ? 'an array' : `a ${typeof body}`}.`,
    );
  }
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const param = pathText(issue?.path ?? []);
  const reason = issue === undefined ? 'invalid value' : issueText(issue);
  throw new OmgError('invalid_request', param === '' ? reason : `${param}: ${reason}`, {
    detail: param === '' ? {} : { param },
  });
}

/** `messages[0].content`. */
function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

/** Of a union, the branch that came furthest tells most. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  const texts = issue.errors.flatMap((branch) =>
    branch.slice(0, 1).map((inner) => `${inner.path.length > 0 ? `${pathText(inner.path)}: ` : ''}${inner.message}`),
  );
  return texts.length === 0 ? issue.message : [...new Set(texts)].join('; or ');
}
