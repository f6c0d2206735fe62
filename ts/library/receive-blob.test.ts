import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Library, receiveBlob } from './index.ts';
import { temporaryFolder } from './test-store.ts';

test('so many uploads come at once, and one that ends makes room', async () => {
  const library = new Library({ modelsDir: join(await temporaryFolder(), 'models') });
  const sha256 = createHash('sha256').update('x').digest('hex');
  const ends = Array.from({ length: 32 }, () => Promise.withResolvers<void>());
  const uploads = ends.map(({ promise }) =>
    receiveBlob(
      library,
      sha256,
      (async function* () {
        await promise;
        yield Buffer.from('x');
      })(),
    ),
  );
  const more = () => receiveBlob(library, sha256, (async function* () {})());
  await expect(more()).rejects.toMatchObject({ code: 'server_busy' });
  ends[0]?.resolve();
  await uploads[0];
  await expect(more()).rejects.toMatchObject({ code: 'invalid_request' });
  for (const { resolve } of ends) resolve();
  await Promise.all(uploads);
  expect(await library.findBlob(sha256)).toBeDefined();
});
