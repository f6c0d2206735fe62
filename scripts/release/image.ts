import { imageOf } from './images.ts';

// `node scripts/release/image.ts STAGE`: the image of that stage of Dockerfile.release, for the workflow.
process.stdout.write(`${imageOf(process.argv[2] ?? '')}\n`);
