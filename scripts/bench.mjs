/** `npm run bench -- [server|proxy|memory|all] [--quick] [--write]`: builds if needed and measures. */
import { buildIfStale } from './fresh-build.mjs';

buildIfStale({ declarations: false });
await import('../dist/bench/index.js');
