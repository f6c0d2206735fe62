/** Marks reasoning that we wrote; what other servers encrypted says nothing to us. */
const MARK = 'omg1.';

/** `encrypted_content` of a reasoning item: opaque to clients, which hand it back when nothing is stored here. */
export function encryptedContent(text: string): string {
  return MARK + Buffer.from(text).toString('base64url');
}

/** The reasoning in what we gave out; empty for anything else. */
export function readEncrypted(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return '';
  return Buffer.from(value.slice(MARK.length), 'base64url').toString();
}
