import type { FileHandle } from 'node:fs/promises';

/** How many bytes from the beginning are wanted, as far as the first bytes tell. */
export type Extent = (bytes: Buffer) => number;

/** Long headers are those of large vocabularies; how long shows only as they are read. */
const GROWTH = 4;

/** The beginning of a file, read again and longer until `extent` asks for no more than there is. `read` brings the bytes up to an end. */
export async function readExtent(
  extent: Extent,
  { size, firstBytes }: { size: number; firstBytes: number },
  read: (end: number) => Promise<Buffer>,
): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  for (let need = extent(bytes); need > bytes.length && bytes.length < size; need = extent(bytes)) {
    bytes = await read(Math.min(size, Math.max(need, bytes.length * GROWTH, firstBytes)));
  }
  return bytes;
}

export async function beginningOf(file: FileHandle, end: number): Promise<Buffer> {
  return (await file.read(Buffer.alloc(end), 0, end, 0)).buffer;
}
