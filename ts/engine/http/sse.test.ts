import { expect, test } from 'vitest';
import { sseData } from './sse.ts';

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (text: string, size: number) => all(sseData(chunks(Buffer.from(text), size)));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const STREAM =
  '\uFEFF: keepalive 1/2\n\ndata: {"a":"ü€𝄞"}\n\nid: 3\nevent: error\ndata: one\r\ndata: two\r\n\r\n:\rdata:three\r\rdata: [DONE]';

test('a stream reads the same wherever it is cut, with comments, line ends of all kinds and a missing end', async () => {
  for (let size = 1; size <= Buffer.byteLength(STREAM); size++) {
    expect(await read(STREAM, size), `${size}`).toEqual([
      { data: '{"a":"ü€𝄞"}' },
      { event: 'error', data: 'one\ntwo' },
      { data: 'three' },
      { data: '[DONE]' },
    ]);
  }
});

test('an event without an end is refused when it is too long', async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('data: ');
    for (;;) yield Buffer.alloc(1 << 20, 'x');
  }
  await expect(all(sseData(endless()))).rejects.toMatchObject({ code: 'engine_error' });
});
