/** `npm start`: builds if needed and starts a whole cluster on this machine. Arguments go to bin/cluster.ts. */
import { buildIfStale } from './fresh-build.mjs';

buildIfStale({ declarations: false });
await import('../dist/bin/cluster.js');
