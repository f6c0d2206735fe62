import { parseArgs } from 'node:util';
import { HubStandIn } from './hub-stand-in.ts';
import { loadRepositories } from './repository.ts';

/** `node ts/tests/hub-stand-in/main.ts --port N --root DIR`: serves `DIR/<owner>/<repo>/…` and prints the address for HF_ENDPOINT. */
const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, root: { type: 'string' } },
});
if (values.root === undefined) {
  process.stderr.write('usage: node ts/tests/hub-stand-in/main.ts --root DIR [--port N]\n');
  process.exit(2);
}
const standIn = await HubStandIn.start({ port: Number(values.port) });
for (const repository of await loadRepositories(values.root)) standIn.add(repository);
process.stdout.write(`${standIn.url}\n`);
const stop = () => {
  standIn.close().finally(() => process.exit(0));
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
