/** `npm run drill [-- kill power flips full sync …] [--rounds N] [--seed S] [--policy P] [--peer]`: builds if needed and breaks things. */
import { buildIfStale } from './fresh-build.mjs';

buildIfStale({ declarations: false });
await import('../dist/drill/index.js');
