import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { commonOptions, countOf, flag, text } from '../options.ts';
import { summarize } from '../summary.ts';
import { measureStart, type MeasuredStart } from './one-start.ts';

const help = `Usage: npx berth bench start [options]

From \`berth train\` to the first step in the ledger, in turns:

  cold    nothing is kept of earlier starts
  warm    machine code is kept, the data is made
  again   data and machine code are kept, as in the second run on a text

  --file FILE       run file (default the demo's)
  --set KEY=VALUE   override a setting; may be given again
  --workers LIST    default 1,2
  --kinds LIST      default cold,warm,again
  --turns N         default 3
  --joiner          then have another worker join, and tell how long after its start a step counts that it voted for
  --folder PATH     where clusters lie meanwhile (default the system's for temporary files)
  --json            all figures`;

const { values } = parseArgs({
  options: {
    file: text(fileURLToPath(new URL('../../../configs/demo.yaml', import.meta.url))),
    set: { type: 'string', multiple: true, default: [] },
    workers: text('1,2'),
    kinds: text('cold,warm,again'),
    turns: text('3'),
    joiner: flag,
    folder: text(tmpdir()),
    ...commonOptions,
  },
});

const kinds = ['cold', 'warm', 'again'] as const;
type Kind = (typeof kinds)[number];

interface Row {
  readonly kind: Kind;
  readonly numWorkers: number;
  readonly starts: MeasuredStart[];
}

/** Virtual ranks for so many workers, into which a global batch divides. */
function ranksFor(numWorkers: number): number {
  return 2 ** Math.ceil(Math.log2(numWorkers));
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(resolve(values.folder), 'berth-bench-start-'));
  const asked = values.kinds.split(',');
  const rows: Row[] = values.workers
    .split(',')
    .map((workers) => countOf('workers', workers))
    .flatMap((numWorkers) =>
      kinds
        .filter((kind) => asked.includes(kind))
        .map((kind) => ({ kind, numWorkers, starts: [] })),
    );
  const [loadBefore = 0] = loadavg();
  let numStarts = 0;
  try {
    const kept = join(root, 'code');
    const startOf = async (kind: Kind, numWorkers: number): Promise<MeasuredStart> => {
      const number = numStarts++;
      const folder = join(root, kind === 'again' ? 'again' : `cluster-${number}`);
      const code = kind === 'cold' ? join(root, `code-${number}`) : kept;
      const settings = [
        // Each worker needs one: the demo has two.
        ...(values.joiner ? [`train.virtualRanks=${ranksFor(numWorkers + 1)}`] : []),
        ...values.set,
        `cluster.numWorkers=${numWorkers}`,
        // Long enough for another worker to join.
        'train.checkpointEverySteps=1000000',
      ];
      const options = { file: values.file, settings, folder, code, runId: `start-${number}` };
      const start = await measureStart({ ...options, hasJoiner: values.joiner });
      if (kind !== 'again') rmSync(folder, { recursive: true, force: true });
      return start;
    };
    // What is kept is made by a start that does not count.
    if (asked.some((kind) => kind !== 'cold')) await startOf('again', 1);
    for (let turn = 0; turn < countOf('turns', values.turns); turn++)
      for (const { kind, numWorkers, starts } of rows) starts.push(await startOf(kind, numWorkers));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.version}`;
  const [loadAfter = 0] = loadavg();
  const load = [loadBefore, loadAfter];
  if (values.json) console.log(JSON.stringify({ machine, load, settings: values, rows }, null, 2));
  else {
    console.log(`${machine}; load ${load.map((one) => one.toFixed(1)).join(' to ')}`);
    for (const row of rows) for (const line of describe(row)) console.log(line);
  }
}

function describe({ kind, numWorkers, starts }: Row): string[] {
  const name = `${kind}, ${numWorkers} worker${numWorkers === 1 ? '' : 's'}`;
  const stageNames = Object.keys(starts[0]?.stages ?? {}) as (keyof MeasuredStart['stages'])[];
  const stages = stageNames.map((stage) => {
    const { median } = summarize(starts.map((start) => start.stages[stage] ?? Number.NaN));
    return `${stage} ${seconds(median)}`;
  });
  const joiners = starts.flatMap(({ joiner }) => joiner ?? []);
  const lines = [`${name.padEnd(18)}first step ${timesOf(starts)}; ${stages.join(', ')}`];
  if (joiners.length > 0) lines.push(`${''.padEnd(18)}joiner's first step ${timesOf(joiners)}`);
  return lines;
}

function timesOf(starts: readonly { readonly ms: number; readonly cpuSeconds: number }[]): string {
  const { median, low, high } = summarize(starts.map(({ ms }) => ms));
  const cpu = summarize(starts.map(({ cpuSeconds }) => cpuSeconds));
  return (
    `after ${seconds(median)} (${seconds(low)} to ${seconds(high)}), ` +
    `${cpu.median.toFixed(1)} s of processors`
  );
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

if (values.help) console.log(help);
else await main();
