import { CUDA, cudaArchitecture, TARGETS } from '../targets.ts';
import { imageOf } from './images.ts';

/**
 * `node scripts/release/matrix.ts`: the jobs of the workflow that builds the native packages, as lines of $GITHUB_OUTPUT. A target has a
 * job, and so has each CUDA flavour.
 */
const native = TARGETS.map(({ name, runner, triple, libc }) => ({
  target: name,
  runner,
  triple,
  libc: libc ?? 'none',
}));
const cuda = TARGETS.filter(({ name }) => CUDA.targets.includes(name)).flatMap(({ name, runner }) =>
  CUDA.capabilities.map((capability) => ({
    target: name,
    runner,
    capability,
    architecture: cudaArchitecture(capability),
  })),
);
process.stdout.write(`native=${JSON.stringify({ include: native })}\n`);
process.stdout.write(`cuda=${JSON.stringify({ include: cuda })}\n`);
process.stdout.write(`cuda-image=${imageOf('build-cuda')}\n`);
