import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { inCheckout } from './setup/checkout.mjs';
import { ensurePackages, say, script, underSupportedNode } from './setup/index.mjs';

// `npm run gen`: writes the documents that are made from the code. A repository test compares them.
await script(async () => {
  if (!(await underSupportedNode())) return;
  await ensurePackages();
  const { generatedDocuments } = await import('./gen/documents.ts');
  for (const [path, text] of Object.entries(generatedDocuments())) {
    mkdirSync(dirname(inCheckout(path)), { recursive: true });
    writeFileSync(inCheckout(path), text);
    say(`wrote ${path}`);
  }
});
