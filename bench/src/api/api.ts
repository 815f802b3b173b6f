import { randomBytes } from 'node:crypto';
import { get } from 'node:http';
import { parseArgs } from 'node:util';
import { stepMetrics, tasks } from '@berth/contracts';
import { startCoordinator } from '../coordinator.ts';
import { commonOptions, text } from '../options.ts';
import { residentMb } from '../resident-mb.ts';
import { startBenchServices } from '../services.ts';
import { summarize } from '../summary.ts';
import { keepMembers, loadRun, type SyntheticRun } from '../cluster/synthetic-run.ts';

const help = `berth bench api: how fast a coordinator answers for a long run, and how much memory it takes
  --steps N     steps of the run (100000)
  --workers N   workers that beat (64)
  --clients N   readers of events meanwhile (64, the most from one machine)
  --rounds N    times each page is asked for (10)
  --json`;

const { values } = parseArgs({
  options: {
    steps: text('100000'),
    workers: text('64'),
    clients: text('64'),
    rounds: text('10'),
    ...commonOptions,
  },
});

const apiToken = randomBytes(16).toString('hex');
const headers = { authorization: `Bearer ${apiToken}` };

/** What the dashboard asks for when a page opens. */
function pagesOf({ runId, numSteps }: SyntheticRun): Record<string, readonly string[]> {
  const run = `/api/runs/${runId}`;
  const history = `${run}/history?metrics=${stepMetrics(tasks.pretraining).join(',')}`;
  return {
    runs: ['/api/runs', '/api/cluster'],
    overview: [run, `${run}/history?metrics=loss`, '/api/cluster'],
    metrics: [run, history],
    'metrics by time': [run, `${history}&x=time`],
    'metrics zoomed': [`${history}&from=${numSteps * 0.4}&to=${numSteps * 0.41}`],
    workers: [run, `${run}/workers`],
    checkpoints: [run, `${run}/checkpoints`],
    logs: [run, `${run}/logs`],
    queues: ['/api/queues', '/api/queues/berth-jobs/jobs'],
    'new run': ['/api/config-schema', '/api/presets'],
  };
}

async function openPage(url: string, paths: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(
    paths.map(async (path) => {
      const response = await fetch(`${url}${path}`, { headers });
      const body = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`);
      JSON.parse(body);
    }),
  );
  return performance.now() - startedMs;
}

function readEvents(url: string): () => void {
  const request = get(url, { agent: false, headers }, (response) => response.resume());
  request.on('error', () => undefined);
  return () => request.destroy();
}

if (values.help) console.log(help);
else {
  const run = { runId: 'long', numSteps: Number(values.steps), numWorkers: Number(values.workers) };
  const bench = await startBenchServices();
  const { services, store, connection } = bench;
  await loadRun(connection, store, run);
  const ending = new AbortController();
  const beating = keepMembers(connection, run, ending.signal);
  const startedMs = performance.now();
  const { child, url } = await startCoordinator(services, { apiToken });
  try {
    const readyMs = performance.now() - startedMs;
    const firstMs = await openPage(url, pagesOf(run)['metrics'] ?? []);
    const loadedMb = residentMb(child, 'VmRSS');
    const stops = Array.from({ length: Number(values.clients) }, () =>
      readEvents(`${url}/api/events?run=${run.runId}`),
    );
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const pages: Record<string, { medianMs: number; maxMs: number }> = {};
    for (const [page, paths] of Object.entries(pagesOf(run))) {
      const times: number[] = [];
      for (let round = 0; round < Number(values.rounds); round++) {
        times.push(await openPage(url, paths));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      pages[page] = { medianMs: summarize(times).median, maxMs: Math.max(...times) };
    }
    const report = {
      ...run,
      numClients: stops.length,
      readyMs,
      firstPageMs: firstMs,
      pages,
      residentMb: {
        afterLoad: loadedMb,
        now: residentMb(child, 'VmRSS'),
        peak: residentMb(child, 'VmHWM'),
      },
    };
    for (const stop of stops) stop();
    console.log(values.json ? JSON.stringify(report) : describe(report));
  } finally {
    child.kill('SIGTERM');
    ending.abort();
    await beating;
    await bench.close();
  }
  process.exit();
}

interface Report extends SyntheticRun {
  readonly numClients: number;
  readonly readyMs: number;
  readonly firstPageMs: number;
  readonly pages: Readonly<Record<string, { readonly medianMs: number; readonly maxMs: number }>>;
  readonly residentMb: Readonly<Record<'afterLoad' | 'now' | 'peak', number>>;
}

function describe(report: Report): string {
  const ms = (value: number): string => `${value.toFixed(0)} ms`.padStart(9);
  const { afterLoad, now, peak } = report.residentMb;
  return [
    `${report.numSteps} steps, ${report.numWorkers} workers, ${report.numClients} readers of events`,
    `ready after ${ms(report.readyMs)}, metrics page right then ${ms(report.firstPageMs)}`,
    ...Object.entries(report.pages).map(
      ([page, { medianMs, maxMs }]) => `${page.padEnd(16)} ${ms(medianMs)}, at most ${ms(maxMs)}`,
    ),
    `resident ${afterLoad.toFixed(0)} MB after loading, ${now.toFixed(0)} MB now, ${peak.toFixed(0)} MB at most`,
  ].join('\n');
}
