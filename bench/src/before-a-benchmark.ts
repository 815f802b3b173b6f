/**
 * Loaded before a benchmark: what is wrong with its options is told in one line, with the exit code of wrong usage; a signal ends it with
 * all that it has started.
 */
import { treeOf } from './process-tree.ts';

process.setUncaughtExceptionCaptureCallback((error: Error & { readonly code?: unknown }) => {
  const isUsage = error instanceof RangeError || String(error.code).startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? `error: ${error.message}; --help lists the options` : error);
  process.exit(isUsage ? 2 : 1);
});

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.on(signal, () => {
    for (const pid of treeOf(process.pid).slice(1)) kill(pid);
    process.exit(code);
  });

/** Whether it computes or not: nothing of it is needed any more. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
