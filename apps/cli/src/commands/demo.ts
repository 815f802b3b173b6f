import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createS3ObjectStore } from '@berth/checkpoint';
import { taskOf, type MetricsLine, type RunStatusReport } from '@berth/contracts';
import { readDatasetManifest } from '@berth/data';
import { withCluster, withServices } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { follow } from '../follow.ts';
import { formatDuration, loadConfig } from '@berth/launch';
import { fixed, formatCount } from '../format.ts';
import { verifyRunLedger } from './ledger.ts';

const configFile = fileURLToPath(new URL('../../../../configs/demo.yaml', import.meta.url));

/** `berth demo`: the whole of berth on this machine, on the shipped corpus, in minutes. */
export async function demo(context: Context): Promise<void> {
  const startMs = performance.now();
  const { berth } = context;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/\D/g, '');
  const { config } = loadConfig(configFile, [`name=demo-${stamp}`]);
  const { train, model, cluster, corpus } = config;
  context.say(
    `berth demo: a ${model.size} BERT on ${corpus.path}, ${train.numSteps} steps of ${train.globalBatch} ` +
      `examples, ${cluster.numWorkers} workers`,
  );
  const { numWorkers, numThreads } = cluster;
  const size = { numWorkers, numThreads, ownRun: config.name };
  const detach = new AbortController();
  process.once('SIGINT', () => detach.abort());
  await withCluster(context, size, async (client) => {
    context.say(
      `watch it at ${client.link(`/runs/${config.name}`)}\nlogs in ${context.folder}/logs`,
    );
    await client.submit(config, 'trained');
    const report = await follow(client, config.name, {
      stream: process.stderr,
      signal: detach.signal,
    });
    if (detach.signal.aborted) return;
    context.say(`\ndone in ${formatDuration(performance.now() - startMs)}`);
    context.say(await datasetLine(context, report));
    context.say(demoSummary(report, await client.metrics(config.name)));
    await verifyRunLedger(context, config.name, { json: false });
  });
  if (detach.signal.aborted) {
    context.say(
      `stopped; \`${berth} resume ${config.name} --workers ${cluster.numWorkers}\` goes on`,
    );
    return;
  }
  context.say(
    [
      'next:',
      `  ${berth} status ${config.name}    what came of it`,
      `  ${berth} ledger verify ${config.name}    prove it again`,
      `  ${berth} train ${relative(process.cwd(), configFile)} --set name=mine --set corpus.path=<full path of your text>`,
      `  ${berth} up    a cluster that stays, with the dashboard`,
    ].join('\n'),
  );
}

async function datasetLine(context: Context, { run }: RunStatusReport): Promise<string> {
  const { train, heldOut, vocabulary } = await withServices(context, async ({ s3 }) => {
    const store = createS3ObjectStore(s3, context.logger);
    try {
      return await readDatasetManifest(store, run.manifestKey ?? '');
    } finally {
      store.close();
    }
  });
  const sum = (key: 'numDocuments' | 'numTokens'): string =>
    formatCount(train.reduce((total, shard) => total + shard[key], 0));
  return (
    `  dataset      ${sum('numDocuments')} documents, ${sum('numTokens')} tokens, ${heldOut.numDocuments} held out, ` +
    `vocabulary ${formatCount(vocabulary.numTokens)}`
  );
}

/** What the run learnt, against what a model that knows nothing would say. */
function demoSummary(report: RunStatusReport, lines: readonly MetricsLine[]): string {
  const firstStep = lines.find((line) => line.kind === 'step');
  const evals = lines.filter((line) => line.kind === 'eval');
  const [before, after] = [evals[0], evals.at(-1)];
  const out = [
    `  steps        ${formatCount(report.step)}, ${formatCount(tokensOf(lines))} tokens`,
  ];
  if (firstStep !== undefined)
    out.push(
      `  first loss   ${firstStep.loss.toFixed(3)} (knowing nothing: ln V + ln 2 = ${knowingNothing(report)})`,
    );
  if (before !== undefined && after !== undefined)
    out.push(`  held-out     ${headlines(report, before, after)}`);
  out.push(`  checkpoint   step ${report.checkpointStep ?? 0} in the bucket`);
  return out.join('\n');
}

function headlines({ run }: RunStatusReport, before: MetricsLine, after: MetricsLine): string {
  const task = taskOf(run.config.examples);
  return task.headlines
    .map((name) => {
      const isLoss = task.losses.some((term) => name === `${term.name}_loss`);
      return `${name} ${isLoss ? `${fixed(before, name)} -> ` : ''}${fixed(after, name)}`;
    })
    .join(', ');
}

function knowingNothing(report: RunStatusReport): string {
  return (Math.log(report.run.config.vocabulary.size) + Math.LN2).toFixed(3);
}

function tokensOf(lines: readonly MetricsLine[]): number {
  return lines.reduce((sum, line) => sum + (line.kind === 'step' ? line.numTokens : 0), 0);
}
