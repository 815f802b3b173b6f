import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tasks } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

const promtool = process.env['BERTH_TEST_PROMTOOL'] ?? 'promtool';
const phases = { dataMs: 1, computeMs: 20, reduceMs: 5, commitMs: 2, applyMs: 3 };

function workerPage(): Promise<string> {
  const metrics = createWorkerMetrics({ version: '0.1.0', worker: 'w' });
  metrics.checkpointSaved('run', { durationMs: 250, stallMs: 20 });
  metrics.checkpointPending('run', { sinceMs: performance.now(), spooledBytes: 7 });
  metrics.progress('before', 3);
  metrics.progress('run', 4);
  metrics.phases('run', phases);
  metrics.tensors(17);
  return metrics.text();
}

function coordinatorPage(): Promise<string> {
  const metrics = createMetrics({ version: '0.1.0' });
  metrics.line('run', tasks.pretraining, {
    kind: 'step',
    attempt: 1,
    step: 3,
    timeMs: 0,
    loss: 3.5,
    masked_lm_loss: 3,
    masked_lm_accuracy: 0.1,
    next_sentence_loss: 0.5,
    next_sentence_accuracy: 0.75,
    gradientNorm: 1.25,
    numTokens: 512,
    ...phases,
  });
  metrics.workers('run', [{ rank: 0, isUp: true, heartbeatAgeMs: 150 }]);
  metrics.checkpoint('run', { sizeBytes: 1_000, finishedAtMs: 5_000 });
  metrics.queue('berth-jobs', { waiting: 3, failed: 0 });
  return metrics.text();
}

describe("a worker's page", () => {
  it('has its step, phases, tensors and memory in base units', async () => {
    const lines = (await workerPage()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'berth_build_info{version="0.1.0",worker="w"} 1',
        'berth_train_step{run="run"} 4',
        'berth_step_phase_seconds_sum{run="run",phase="compute"} 0.02',
        'berth_allreduce_seconds_sum{run="run"} 0.005',
        'berth_tensors 17',
      ]),
    );
    expect(lines.some((line) => line.includes('"before"'))).toBe(false);
    const resident = lines.find((line) => line.startsWith('process_resident_memory_bytes '));
    expect(Number(resident?.split(' ')[1])).toBeGreaterThan(1e7);
    const cpu = lines.find((line) => line.startsWith('process_cpu_seconds_total '));
    expect(Number(cpu?.split(' ')[1])).toBeGreaterThan(0);
  });
});

describe("Prometheus's own check", () => {
  it.for([
    ['worker', workerPage],
    ['coordinator', coordinatorPage],
  ] as const)('finds no fault with the page of a %s', async ([, page], context) => {
    const problems = await check(await page());
    if (problems === undefined) context.skip('promtool is not installed');
    expect(problems).toBe('');
  });
});

/** What promtool objects to; undefined when there is no promtool. */
async function check(page: string): Promise<string | undefined> {
  const child = spawn(promtool, ['check', 'metrics']);
  child.stdin.on('error', () => undefined);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(page);
  const isThere = await Promise.race([
    once(child, 'close').then(() => true),
    new Promise<boolean>((resolve) => child.once('error', () => resolve(false))),
  ]).catch(() => false);
  return isThere ? output : undefined;
}
