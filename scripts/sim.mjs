/** `npm run sim [-- --seed N] [--seeds N | --minutes N] [--stage raft|cluster] [--events N]`: builds if needed and simulates clusters. */
import { buildIfStale } from './fresh-build.mjs';

buildIfStale({ declarations: false });
await import('../dist/sim-runs/main.js');
