import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const numShown = Number(process.env['BERTH_TEST_TIMES'] ?? 10);

/** Says at the end which files took the most processor time: the time that passes depends on what else goes on. */
export class ProcessorTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules
      .map((module) => ({
        path: relative(process.cwd(), module.moduleId),
        processorMs: module.meta().processorMs ?? 0,
        durationMs: module.diagnostic().duration,
      }))
      .toSorted((a, b) => b.processorMs - a.processorMs);
    const totalMs = files.reduce((sum, { processorMs }) => sum + processorMs, 0);
    const { user, system } = process.cpuUsage();
    const lines = files
      .slice(0, numShown)
      .map((file) => `${seconds(file.processorMs)} ${seconds(file.durationMs)}  ${file.path}`);
    console.log(
      [
        ` Processor time ${seconds(totalMs).trim()} s in ${files.length} files, and ${seconds((user + system) / 1000).trim()} s of Vitest itself; most of it in`,
        'processor s  passed s  file',
        ...lines,
        '',
      ].join('\n'),
    );
  }
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1).padStart(9);
}
