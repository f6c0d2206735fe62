import { OmgError } from '../errors/index.ts';

/** Device names of Windows: a file of this name, with any extension, is a device and not a file. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\..*)?$/i;
/** Characters that no file name may hold on Windows (`:` also names NTFS streams), and control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const FORBIDDEN = /[\u0000-\u001f\u007f<>:"|?*\\]/;

/**
 * Throws `unsafe_file_name` unless the `/`-separated path stays inside the folder it is put into, on every system. The same
 * names are refused everywhere, so that a store can be moved between systems.
 */
export function assertSafeFilename(filename: string): void {
  const reason = unsafeReason(filename);
  if (reason === undefined) return;
  const shown = filename.length > 200 ? `${filename.slice(0, 200)}…` : filename;
  throw new OmgError('unsafe_file_name', `The file name ${JSON.stringify(shown)} is refused: ${reason}.`, {
    hint: 'The repository is damaged or means harm. Nothing was installed.',
    detail: { filename: shown },
  });
}

export function isSafeFilename(filename: string): boolean {
  return unsafeReason(filename) === undefined;
}

function unsafeReason(filename: string): string | undefined {
  if (filename === '') return 'it is empty';
  if (filename.length > 1024) return 'it is too long';
  if (FORBIDDEN.test(filename)) return 'it has a character that is not allowed';
  if (filename.startsWith('/')) return 'it is an absolute path';
  for (const part of filename.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'it leaves the folder of the model';
    if (part.length > 255) return 'a part of it is too long';
    // Windows drops dots and spaces at the end, so two names would be one file.
    if (/[. ]$/.test(part)) return 'a part of it ends with a dot or a space';
    if (RESERVED.test(part)) return 'it is the name of a device';
  }
  return undefined;
}
