// Preloaded into an agent by `npm run bench`: adds the longest delay of its event loop in each second to a file.
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const file = process.env.BENCH_LOOP_FILE ?? '';
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
setInterval(() => {
  appendFileSync(file, `${Math.round(delay.max / 1e6)}\n`);
  delay.reset();
}, 1_000).unref();
