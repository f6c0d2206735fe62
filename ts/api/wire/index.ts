export { announceStart, cacheMissJson, type StartEvent, usageExtension } from './announce.ts';
export { type BodyLimits, installBodyParser, SMALL_BODY, TEXT_BODY } from './body.ts';
export { argumentsObject, isArguments } from './call-arguments.ts';
export { type Caller, callerOf, mayManage, ownerOf, requireManage } from './caller.ts';
export { disconnectSignal } from './disconnect.ts';
export { requireEffort, thinkOfEffort } from './effort.ts';
export { engineNamed, engineOf } from './engine.ts';
export {
  type ErrorRenderer,
  type ErrorReply,
  isDeterministicFailure,
  retryAfterSeconds,
  textWithRemedy,
  toOmgError,
} from './errors.ts';
export { insertPrompt } from './insert-prompt.ts';
export { keepAliveOf } from './keep-alive.ts';
export { list, MAX_STOPS, MAX_TOOLS, record, tokenIds } from './list.ts';
export { isElided } from './metadata.ts';
export { kindOf } from './model-kind.ts';
export { NestedJson } from './nested-json.ts';
export { newId } from './new-id.ts';
export { DEFAULT_KEEP, isOption, type ModelOptions, parseOptions } from './options.ts';
export { schemaFormat, unknownFormat } from './output-format.ts';
export { normalisePath } from './path.ts';
export {
  type DetailedPullLine,
  detailedPullLines,
  outlineJson,
  type PullLine,
  progressDigest,
  pullLines,
} from './pull-lines.ts';
export { reportsOf } from './reports.ts';
export { exactNdjson, sendExact } from './send-exact.ts';
export { sendVectors } from './send-vectors.ts';
export { ndjson, type StreamOptions, sendStream, sse } from './stream.ts';
export { type AskedChoice, chooseTools, invalidChoice } from './tool-choice.ts';
export { pairToolResults } from './tool-messages.ts';
export { truncatedHeader } from './truncated-header.ts';
export { cutOff, missingEndEvent } from './unfinished.ts';
export { optional, parseBody } from './validate.ts';
export { vectorAt, vectorBase64 } from './vectors.ts';
export { Adaptations, asText, FILE_LEFT_OUT, IMAGE_LEFT_OUT } from './what-is-left-out.ts';
