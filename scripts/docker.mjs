import { resolve } from 'node:path';
import { root } from './setup/checkout.mjs';
import { runForeground, SetupError, script } from './setup/index.mjs';

/**
 * `npm run docker:build` and `npm run docker:run`, with `-- cuda` for NVIDIA GPUs, and `-- cuda 90` for other ones than
 * those of compute capability 8.x. What runs listens on this machine's PORT (default 10692),
 * keeps its models in MODELS_PATH (default a volume of Docker), and asks for OMG_API_KEY.
 */
await script(async () => {
  const [command, flavour = 'cpu', architecture] = process.argv.slice(2);
  const { PORT = '10692', MODELS_PATH, OMG_API_KEY } = process.env;
  const isCuda = flavour === 'cuda';
  const image = isCuda ? 'ohmygpu:cuda' : 'ohmygpu';
  if (command === 'build') {
    const file = `scripts/deploy/docker/Dockerfile${isCuda ? '.cuda' : ''}`;
    const args = architecture === undefined ? [] : ['--build-arg', `ARCHITECTURE=${architecture}`];
    process.exitCode = await docker(['build', '--file', file, '--tag', image, ...args, root]);
    return;
  }
  if (!OMG_API_KEY) throw new SetupError('Whoever reaches the port can use it, so a key is needed.', 'set OMG_API_KEY');
  process.exitCode = await docker([
    ...['run', '--rm', '--init', '--stop-timeout', '45', '--publish', `127.0.0.1:${PORT}:10692`],
    ...['--volume', 'ohmygpu:/data', '--env', 'OMG_API_KEY', '--env', 'HF_TOKEN'],
    ...(MODELS_PATH === undefined
      ? []
      : ['--volume', `${resolve(MODELS_PATH)}:/models`, '--env', 'OMG_MODELS=/models']),
    ...(isCuda ? ['--gpus', 'all'] : []),
    image,
  ]);
});

function docker(args) {
  return runForeground('docker', args).catch((error) => {
    throw new SetupError(`docker could not be started: ${error.message}`);
  });
}
