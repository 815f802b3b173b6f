import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createS3ObjectStore } from '@berth/checkpoint';
import { BerthError, corpusText } from '@berth/contracts';
import { readDatasetManifest } from '@berth/data';
import { formatDuration, loadConfig } from '@berth/launch';
import { withCluster, withServices } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { demoSummary } from '../demo/demo-summary.ts';
import { comparedWithSeen } from '../demo/seen-weights.ts';
import { follow } from '../follow.ts';
import { exportModel } from './export.ts';
import { fillMask } from './fill-mask.ts';
import { verifyRunLedger } from './ledger.ts';

/** In words of the corpus. */
const sentence = 'the congress of the united [MASK] has power.';

const configFile = fileURLToPath(new URL('../../../../configs/demo.yaml', import.meta.url));

/** `berth demo`: the whole of berth on this machine, on the shipped corpus, in minutes. */
export async function demo(context: Context): Promise<void> {
  const startMs = performance.now();
  const { berth } = context;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(/\D/g, '');
  const { config } = loadConfig(configFile, [`name=demo-${stamp}`]);
  const { name, train, model, cluster, corpus, examples } = config;
  if (corpus === undefined) throw new BerthError('INTERNAL', `${configFile} has no corpus`);
  context.say(
    `berth demo: a BERT-${model.size} on ${relative(process.cwd(), corpusText(corpus))}, ${train.numSteps} steps of ${train.globalBatch} ` +
      `examples of ${examples.maxSeqLength} tokens, ${cluster.numWorkers} workers`,
  );
  const { numWorkers, numThreads } = cluster;
  const size = { numWorkers, numThreads, ownRun: name };
  const detach = new AbortController();
  process.once('SIGINT', () => detach.abort());
  await withCluster(context, size, async (client) => {
    context.say(`watch it at ${client.link(`/runs/${name}`)}\nlogs in ${context.folder}/logs`);
    await client.submit(config, 'trained');
    const { signal } = detach;
    const report = await follow(client, name, { stream: process.stderr, signal });
    if (signal.aborted) return;
    context.say(`\ndone in ${formatDuration(performance.now() - startMs)}`);
    const manifest = await readManifest(context, report.run.manifestKey ?? '');
    context.print(`${demoSummary(report, manifest, await client.metrics(name))}\n`);
    const { weightsDigest } = await verifyRunLedger(context, name, { json: false });
    context.print(`  these are   ${comparedWithSeen(report.run.numerics, weightsDigest)}`);
  });
  if (detach.signal.aborted) {
    context.say(`stopped; \`${berth} resume ${name} --workers ${numWorkers}\` goes on`);
    return;
  }
  const folder = relative(process.cwd(), join(context.folder, 'exports', name));
  const common = { force: false, json: false };
  await exportModel(context, name, { ...common, to: folder, for: 'transformers' });
  context.print('');
  await fillMask(context, name, [sentence], { ...common, top: 5, best: false });
  context.say(
    [
      '',
      'next:',
      `  ${berth} status ${name}    what came of it`,
      `  ${berth} ledger verify ${name}    prove it again`,
      `  ${berth} train ${relative(process.cwd(), configFile)} --set name=mine --set corpus.path=<full path of your text>`,
      `  ${berth} demo --fine-tune    what such a model makes of labelled rows, against one from scratch`,
      `  ${berth} up    a cluster that stays, with the dashboard`,
    ].join('\n'),
  );
}

async function readManifest(
  context: Context,
  manifestKey: string,
): Promise<Awaited<ReturnType<typeof readDatasetManifest>>> {
  return withServices(context, async ({ s3 }) => {
    const store = createS3ObjectStore(s3, context.logger);
    try {
      return await readDatasetManifest(store, manifestKey);
    } finally {
      store.close();
    }
  });
}
