// Squares matrices in two worker threads at once and prints what each posts, or how it fails. With the argument
// `unprepared`, the process's environment is left as it is.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { tensorFlowEnvironment } from '@berth/graph';

const options = { numThreads: 1, device: 'cpu' };
if (process.argv[2] !== 'unprepared') Object.assign(process.env, tensorFlowEnvironment(options));

const results = [2, 3].map(async (value) => {
  const thread = new URL('square-thread.mjs', import.meta.url);
  const worker = new Worker(thread, { workerData: { value, options } });
  return once(worker, 'message').then(
    ([sums]) => sums,
    ({ code, message }) => ({ code, message }),
  );
});
console.log(JSON.stringify(await Promise.all(results)));
