export { ERROR_CODES, type ErrorCode, isErrorCode } from './codes.ts';
export { fileProblem } from './file-error.ts';
export { type ErrorData, OmgError } from './omg-error.ts';
export { printable, printableJson, printableLine } from './printable.ts';
export { shortJson } from './short-json.ts';
