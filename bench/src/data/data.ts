import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseRunConfig, type RunConfig } from '@berth/contracts';
import { commonOptions, countOf, flag, oneOf, text } from '../options.ts';
import { summarize } from '../summary.ts';
import { corpusKinds, writeCorpus } from './corpora.ts';
import { growthOf, type Growth } from './growth.ts';
import { measureCluster, type Preparation } from './measure-cluster.ts';

const help = `Usage: npx berth bench data [options]

Prepares made-up text with clusters of this machine, in turns: dataset and the first epoch's examples. Of each it tells the
time, the workers' processor time by stage, memory, bytes stored and left, and the longest stretch without a turn of the event loop.

  --mb LIST        megabytes of text (default 60)
  --workers LIST   workers of the clusters (default 1,2)
  --role ROLE      of the workers: data, which load no TensorFlow, or train (default data)
  --text KIND      ${corpusKinds.slice(0, 4).join(', ')}; or ${corpusKinds.slice(4).join(', ')} (default prose)
  --vocabulary N   entries that are trained (default 8000)
  --shards N       examples.numShards (default as of a run)
  --set KEY=VALUE,...  further settings of the run
  --turns N        of each size and number of workers (default 1)
  --seed N         of the text (default 1)
  --folder PATH    where text and clusters lie meanwhile (default the system's for temporary files)
  --no-progress    tells nothing meanwhile
  --json           all figures

With two sizes or more it tells how the processor time grows. The clusters' threads share this machine's processors with
the bucket's server, which is this process.`;

const { values } = parseArgs({
  options: {
    mb: text('60'),
    workers: text('1,2'),
    role: text('data'),
    text: text('prose'),
    vocabulary: text('8000'),
    shards: text(''),
    set: text(''),
    turns: text('1'),
    seed: text('1'),
    folder: text(tmpdir()),
    'no-progress': flag,
    ...commonOptions,
  },
});

interface Measured extends Preparation {
  readonly mb: number;
  readonly numFiles: number;
}

async function main(): Promise<void> {
  const kind = oneOf('text', values.text, corpusKinds);
  const sizes = values.mb.split(',').map((mb) => countOf('mb', mb));
  const numsWorkers = values.workers.split(',').map((count) => countOf('workers', count));
  const numTurns = countOf('turns', values.turns);
  const seed = countOf('seed', values.seed);
  const folder = mkdtempSync(join(resolve(values.folder), 'berth-bench-data-'));
  const say = (line: string): void => {
    if (!values['no-progress']) console.error(line);
  };
  const all: Measured[] = [];
  try {
    for (const mb of sizes) {
      const corpus = join(folder, `text-${mb}`);
      const { numBytes, numFiles } = writeCorpus(corpus, { kind, numBytes: mb * 1e6, seed });
      for (let turn = 0; turn < numTurns; turn++)
        for (const numWorkers of turn % 2 === 0 ? numsWorkers : numsWorkers.toReversed()) {
          say(`${mb} MB of ${kind}, ${numWorkers} workers, turn ${turn + 1} of ${numTurns}`);
          const place = join(folder, `cluster-${mb}-${turn}-${numWorkers}`);
          const prepared = await measureCluster(configOf(corpus), {
            folder: place,
            numWorkers,
            role: oneOf('role', values.role, ['data', 'train']),
            say,
          });
          rmSync(place, { recursive: true, force: true });
          all.push({ mb: numBytes / 1e6, numFiles, ...prepared });
        }
      rmSync(corpus, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const growths = numsWorkers.map((numWorkers) => ({
    numWorkers,
    growth: growthFor(all, numWorkers),
  }));
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim()}, Node ${process.version}`;
  const differ = sizes.filter(
    (mb) => new Set(ofSize(all, mb).map(({ datasetId }) => datasetId)).size > 1,
  );
  if (values.json)
    console.log(JSON.stringify({ machine, kind, settings: values, all, growths }, null, 2));
  else {
    console.log(`${kind}, vocabulary ${values.vocabulary}; ${machine}`);
    for (const one of all) console.log(describe(one));
    for (const mb of sizes) console.log(...speedups(ofSize(all, mb), numsWorkers));
    for (const { numWorkers, growth } of growths)
      if (growth) console.log(growthText(numWorkers, growth));
  }
  if (differ.length > 0) throw new Error(`the datasets of ${differ.join(', ')} MB differ`);
}

function configOf(path: string): RunConfig {
  const input = {
    name: 'measured',
    corpus: { path },
    vocabulary: { size: Number(values.vocabulary) },
    examples: values.shards === '' ? {} : { numShards: Number(values.shards) },
    model: { size: 'tiny' },
    train: { numSteps: 1 },
  };
  for (const setting of values.set.split(',').filter((one) => one !== '')) {
    const [key = '', value = ''] = setting.split('=');
    const [section = '', name = ''] = key.split('.');
    const known = input as unknown as Record<string, Record<string, unknown>>;
    known[section] = { ...known[section], [name]: JSON.parse(value) as unknown };
  }
  return parseRunConfig(input, 'berth bench data');
}

function ofSize(all: readonly Measured[], mb: number): Measured[] {
  return all.filter((one) => Math.abs(one.mb - mb) < 0.05 * mb + 1);
}

function growthFor(all: readonly Measured[], numWorkers: number): Growth | undefined {
  const points = all
    .filter((one) => one.numWorkers === numWorkers)
    .map((one) => ({ mb: one.mb, seconds: cpuOf(one) }));
  return growthOf(points);
}

function cpuOf({ workerCpuSeconds }: Preparation): number {
  return workerCpuSeconds.reduce((sum, seconds) => sum + seconds, 0);
}

function describe(one: Measured): string {
  const cpu = cpuOf(one);
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  const stages = Object.entries(one.cpuSecondsByStage)
    .filter(([, seconds]) => seconds >= 0.05)
    .map(([stage, seconds]) => `${stage} ${seconds.toFixed(1)}`);
  const turn = one.longestTurns.map(
    ({ thread, longestCpuMs, longestMs }) =>
      `${thread} ${longestCpuMs.toFixed(0)} ms of its own time (${longestMs.toFixed(0)} ms by the clock)`,
  );
  return [
    `${one.mb.toFixed(0)} MB in ${one.numFiles} files, ${one.numWorkers} workers: ${one.seconds.toFixed(1)} s ` +
      `= ${(one.mb / one.seconds).toFixed(2)} MB/s; dataset after ${one.datasetSeconds.toFixed(1)} s, first examples after ` +
      `${one.firstExamplesSeconds.toFixed(1)} s`,
    `  processor  ${cpu.toFixed(1)} s of workers (${one.workerCpuSeconds.map((seconds) => seconds.toFixed(1)).join(' + ')}) ` +
      `= ${(one.mb / cpu).toFixed(2)} MB/s; coordinator ${one.coordinatorCpuSeconds.toFixed(1)}, ` +
      `bucket ${one.storeCpuSeconds.toFixed(1)}`,
    `  by stage   ${stages.join(', ')}`,
    `  memory     worker ${one.workerPeakMb.toFixed(0)} MB at most, ${one.workerIdleMb.toFixed(0)} before; coordinator ` +
      `${one.coordinatorPeakMb.toFixed(0)}, Redis ${one.redisPeakMb.toFixed(0)}, bucket ${one.storePeakMb.toFixed(0)}`,
    `  turns      ${turn.join('; ')}`,
    `  stored     ${mb(one.storedBytes)}, ${mb(one.temporaryStoredBytes)} more meanwhile; ${one.numShards} shards, the ` +
      `largest ${(one.largestShardBytes / 1e6).toFixed(2)} MB; on disk ${mb(one.temporaryBytes)} meanwhile, ${one.leftBytes} bytes left`,
  ].join('\n');
}

function speedups(all: readonly Measured[], numsWorkers: readonly number[]): string[] {
  const median = (numWorkers: number): number =>
    summarize(all.filter((one) => one.numWorkers === numWorkers).map(({ seconds }) => seconds))
      .median;
  const [base = 1, ...others] = numsWorkers;
  return others.map((numWorkers) => {
    const ratio = median(base) / median(numWorkers);
    return `${all[0]?.mb.toFixed(0)} MB: ${numWorkers} workers are ${ratio.toFixed(2)} times as fast as ${base}`;
  });
}

function growthText(numWorkers: number, growth: Growth): string {
  const { secondsPerMb, fixedSeconds, power, worstDeviation } = growth;
  return (
    `growth with ${numWorkers} workers: ${(1e3 * secondsPerMb).toFixed(0)} ms of processor time a MB and ${fixedSeconds.toFixed(1)} s; ` +
    `power ${power.toFixed(3)}, at most ${(100 * worstDeviation).toFixed(0)} % off the line`
  );
}

if (values.help) console.log(help);
else await main();
