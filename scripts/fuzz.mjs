/** `npm run fuzz [-- family …] [--sentences N] [--seed S]`: builds if needed and compares with a real redis-server. */
import { buildIfStale } from './fresh-build.mjs';

buildIfStale({ declarations: false });
await import('../dist/fuzz/index.js');
