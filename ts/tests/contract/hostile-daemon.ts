import { OmgError } from '../../errors/index.ts';
import { testDaemon } from './serve.ts';

/** Started by a test as a process of its own: a daemon with a chat model, an encoder and a ranker, whose address it tells; it ends with its parent. */
const refuse = () => Promise.reject(new OmgError('repo_not_found', 'The hub has nothing.'));
const served = await testDaemon({
  home: process.argv[2],
  script: (path) => {
    const header = path.includes('encoder')
      ? { capabilities: ['embedding' as const], embeddingLength: 16, chatTemplate: undefined }
      : path.includes('ranker')
        ? { capabilities: ['rerank' as const], chatTemplate: undefined }
        : {};
    return { reply: 'ok', header };
  },
  hub: async () => ({ search: async () => [], pull: refuse, resolveRemote: refuse }),
});
for (const name of ['tiny', 'encoder', 'ranker']) await served.install(name);
process.on('disconnect', () => process.exit());
process.send?.(served.url);
