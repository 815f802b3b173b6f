import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { modelSizeNames } from '@berth/contracts';
import { tensorFlowEnvironment } from '@berth/graph';
import { numParametersOf, parameterLayout, taskModels } from '@berth/model';
import { machine } from '../collectives/allreduce.ts';
import type { RuntimeAsk } from '../healing/healing-thread.ts';
import { ownProgram, startProgram } from '../program.ts';
import { defaultStepSetting, stepWork } from '../step/step-setting.ts';
import { summarize, type Summary } from '../summary.ts';
import { loneView, openSaver } from './open-saver.ts';
import type { SavingSetting } from './saving-setting.ts';

interface SavingReport {
  readonly stateBytes: number;
  /** For how long training stands still at a save. */
  readonly stallMs: Summary;
  /** From when training goes on until the manifest is there. */
  readonly saveMs: Summary;
  /** A step with an upload beside it, by one without, of each save. */
  readonly slowdown: Summary;
  /** Processor time of the process that trains, per save, without what the steps take. */
  readonly cpuMs: Summary;
  readonly outage?: OutageReport;
}

interface OutageReport {
  readonly durationMs: number;
  readonly numSteps: number;
  /** Made in the outage, and not made again: all. */
  readonly numLost: number;
  /** A step in the outage, by one before. */
  readonly slowdown: number;
  /** States that were due in it, and the newest of them, which was saved after it. */
  readonly numDue: number;
  readonly spooledBytes: number;
  readonly savedAfterMs: number;
}

/** Between two saves that are due in the outage. */
const dueEveryMs = 15_000;
const pollMs = 20;
const patienceMs = 300_000;

async function measure(setting: SavingSetting): Promise<SavingReport> {
  const { numThreads, numSaves, outageMs } = setting;
  const { model } = stepWork({ ...defaultStepSetting, ...setting });
  const layout = parameterLayout(model, taskModels.pretraining);
  const spoolFolder = await mkdtemp(join(tmpdir(), 'berth-bench-spool-'));
  const storeProgram = fileURLToPath(new URL('./store-process.js', import.meta.url));
  const storeProcess = startProgram(process.execPath, ownProgram(storeProgram));
  const { endpoint, faulty } = await storeProcess.ask();
  Object.assign(process.env, tensorFlowEnvironment({ numThreads, device: 'cpu' }));
  const program = new URL('../healing/healing-thread.js', import.meta.url);
  const thread = new Worker(program, { workerData: setting });
  const run = async (ask: RuntimeAsk): Promise<number> => {
    const startMs = performance.now();
    thread.postMessage(ask, []);
    await once(thread, 'message');
    return performance.now() - startMs;
  };
  // Nothing stands between it and its bucket unless that is to go away.
  const place = { endpoint: String(outageMs === 0 ? endpoint : faulty), spoolFolder };
  const { saver, saved, pending } = await openSaver(place, { layout, model });
  let step = 0;
  /** @returns for how long training stood still */
  const save = async (): Promise<number> => {
    const startMs = performance.now();
    const memory = saver.memory();
    await run({ do: 'read', into: memory });
    const stallMs = performance.now() - startMs;
    saver.save(loneView, { step: ++step, ...memory }, { epoch: 0, index: 0 }, { stallMs });
    return stallMs;
  };
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  try {
    await run({ do: 'load', state: { ...saver.memory() } });
    for (let warm = 0; warm < 2; warm++) await run({ do: 'compute' });
    await save();
    await saver.settled();
    const figures = { stallMs: [], saveMs: [], slowdown: [], cpuMs: [] } as {
      [Name in 'stallMs' | 'saveMs' | 'slowdown' | 'cpuMs']: number[];
    };
    for (let index = 0; index < numSaves; index++) {
      figures.stallMs.push(await save());
      const startMs = performance.now();
      const startCpuMs = cpuMs();
      const saving = { endMs: 0 };
      const saved = saver.settled().finally(() => (saving.endMs = performance.now()));
      const beside: number[] = [];
      // The last one may end after the save.
      while (saving.endMs === 0) beside.push(await run({ do: 'compute' }));
      await saved;
      figures.saveMs.push(saving.endMs - startMs);
      const besideCpuMs = cpuMs() - startCpuMs;
      const aloneStartMs = cpuMs();
      const alone: number[] = [];
      for (const _ of beside) alone.push(await run({ do: 'compute' }));
      figures.cpuMs.push(besideCpuMs - (cpuMs() - aloneStartMs));
      figures.slowdown.push(summarize(beside).median / summarize(alone).median);
    }
    const outage = outageMs === 0 ? undefined : await measureOutage();
    return {
      stateBytes: 12 * numParametersOf(layout),
      stallMs: summarize(figures.stallMs),
      saveMs: summarize(figures.saveMs),
      slowdown: summarize(figures.slowdown),
      cpuMs: summarize(figures.cpuMs),
      ...(outage && { outage }),
    };
  } finally {
    await saver.close();
    await thread.terminate();
    storeProcess.stop();
    await rm(spoolFolder, { recursive: true, force: true });
  }

  async function measureOutage(): Promise<OutageReport> {
    const before: number[] = [];
    for (let index = 0; index < 5; index++) before.push(await run({ do: 'compute' }));
    const startMs = performance.now();
    await storeProcess.ask('away');
    const during: number[] = [];
    let spooledBytes = 0;
    let numDue = 0;
    while (performance.now() - startMs < outageMs) {
      if (performance.now() - startMs >= numDue * dueEveryMs) {
        numDue++;
        await save();
      }
      during.push(await run({ do: 'compute' }));
      spooledBytes = Math.max(spooledBytes, pending()?.spooledBytes ?? 0);
    }
    const durationMs = performance.now() - startMs;
    const newest = step;
    await storeProcess.ask('back');
    const backMs = performance.now();
    while (saved.at(-1) !== newest && performance.now() - backMs < patienceMs) await sleep(pollMs);
    return {
      durationMs,
      numSteps: during.length,
      numLost: newest - (saved.at(-1) ?? 0),
      slowdown: summarize(during).median / summarize(before).median,
      numDue,
      spooledBytes,
      savedAfterMs: performance.now() - backMs,
    };
  }
}

const help = `Usage: npx berth bench checkpoint [options]

Saves the state of a real engine to a real S3 server in a process of its own while that engine computes, and takes turns:
steps with an upload beside them, and as many without. Then the bucket goes away for a while.

  --model SIZE        ${modelSizeNames.join(', ')} (default base; takes 7 GB)
  --saves N           measured saves, after one that is not (default 5)
  --batch N           examples of 128 tokens of a step (default 2)
  --threads N         TensorFlow's threads (default 1)
  --outage-seconds N  how long the bucket is away (default 60; 0: not at all)
  --json              every figure`;

async function main(): Promise<void> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    options: {
      model: text('base'),
      saves: text('5'),
      batch: text('2'),
      threads: text('1'),
      'outage-seconds': text('60'),
      json: flag,
      help: flag,
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const size = modelSizeNames.find((name) => name === values.model);
  if (size === undefined)
    throw new RangeError(`--model is one of ${modelSizeNames.join(', ')}, not ${values.model}`);
  const setting: SavingSetting = {
    size,
    batchSize: Number(values.batch),
    numThreads: Number(values.threads),
    numSaves: Number(values.saves),
    outageMs: 1_000 * Number(values['outage-seconds']),
  };
  const loadBefore = loadavg()[0] ?? 0;
  const report = await measure(setting);
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), loadBefore, setting, ...report }, null, 2));
    return;
  }
  const { stallMs, saveMs, slowdown, cpuMs, outage } = report;
  const ms = ({ median, low, high }: Summary): string =>
    `${median.toFixed(0)} ms (${low.toFixed(0)} to ${high.toFixed(0)})`;
  console.log(`${size}, ${(report.stateBytes / 1e9).toFixed(2)} GB; load ${loadBefore.toFixed(1)}`);
  console.log(`stall     ${ms(stallMs)}`);
  console.log(`save      ${ms(saveMs)}, ${ms(cpuMs)} of a processor`);
  console.log(
    `step      x ${slowdown.median.toFixed(3)} (${slowdown.low.toFixed(3)} to ${slowdown.high.toFixed(3)}) with an upload beside it`,
  );
  if (outage === undefined) return;
  console.log(
    `outage    ${(outage.durationMs / 1_000).toFixed(0)} s: ${outage.numSteps} steps, x ${outage.slowdown.toFixed(3)} each, ${outage.numLost} lost; ` +
      `${outage.numDue} saves due, ${(outage.spooledBytes / 1e9).toFixed(2)} GB on disk, the newest saved ${(outage.savedAfterMs / 1_000).toFixed(1)} s after it`,
  );
}

await main();
