import { OmgError } from '../../errors/index.ts';

/** A line or an event longer than this is no answer of a model. */
const LONGEST_EVENT = 16 << 20;

/**
 * The data of the events of a stream. Lines are cut from bytes, so a character that two chunks share stays whole; comments (which
 * engines send to keep a connection alive), other fields and a byte order mark are skipped. An event whose empty line is missing at the end still counts.
 */
export async function* sseData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<{ event?: string; data: string }> {
  let rest = Buffer.alloc(0);
  let data: string[] = [];
  let event: string | undefined;
  let size = 0;
  let first = true;
  let afterReturn = false;
  let scanned = 0;
  const take = (): { event?: string; data: string } | undefined => {
    const found = data.length === 0 ? undefined : { ...(event === undefined ? {} : { event }), data: data.join('\n') };
    data = [];
    event = undefined;
    size = 0;
    return found;
  };
  const read = (line: string): void => {
    const text = first && line.startsWith('\uFEFF') ? line.slice(1) : line;
    first = false;
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') {
      size += value.length;
      if (size > LONGEST_EVENT) throw tooLong();
      data.push(value);
    } else if (field === 'event') event = value;
  };
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = scanned; at < rest.length; at++) {
      const byte = rest[at];
      if (byte === 0x0a && afterReturn && at === from) {
        afterReturn = false;
        from = at + 1;
        continue;
      }
      afterReturn = false;
      if (byte !== 0x0a && byte !== 0x0d) continue;
      afterReturn = byte === 0x0d;
      const line = rest.toString('utf8', from, at);
      from = at + 1;
      if (line !== '') {
        read(line);
        continue;
      }
      const found = take();
      if (found !== undefined) yield found;
    }
    rest = rest.subarray(from);
    scanned = rest.length;
    if (rest.length > LONGEST_EVENT) throw tooLong();
  }
  if (rest.length > 0) read(rest.toString('utf8'));
  const found = take();
  if (found !== undefined) yield found;
}

function tooLong(): OmgError {
  return new OmgError('engine_error', 'The engine sent an event that is too long.');
}
