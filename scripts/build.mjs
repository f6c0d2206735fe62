import { script, setUp } from './setup/index.mjs';

// `npm run build`: everything that `omg` needs to run from this checkout.
await script(setUp);
