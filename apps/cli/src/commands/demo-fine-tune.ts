import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isFinal, type RunConfig, type RunStatusReport } from '@berth/contracts';
import {
  configOf,
  formatDuration,
  loadConfig,
  makeFolder,
  readRunFile,
  type CoordinatorClient,
} from '@berth/launch';
import { findCoordinator, withCluster } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { comparisonTable, isAbove, type Compared } from '../demo/comparison.ts';
import { outcomeLine, outcomeOfRun, type Outcome } from '../demo/outcome.ts';
import { demoTasks, rowsFile, type DemoTask } from '../demo/tasks/demo-task.ts';
import { writeDemoTasks } from '../demo/tasks/write-demo-tasks.ts';
import { follow } from '../follow.ts';
import { formatCount, plural } from '../format.ts';
import { initialModel } from '../initial-model.ts';
import { withRuns } from '../runs.ts';
import { exportModel } from './export.ts';
import { saysCompleted } from './train.ts';

export interface FineTuneOptions {
  /** The folder of rows, text and table. */
  readonly to: string;
  readonly seeds: number;
}

/** A demo under way. */
interface Demo {
  readonly context: Context;
  readonly client: CoordinatorClient;
  readonly folder: string;
  readonly numSeeds: number;
  /** What is pre-trained. */
  readonly base: RunConfig;
  readonly signal: AbortSignal;
}

const runFile = (name: string): string =>
  fileURLToPath(new URL(`../../../../configs/${name}.yaml`, import.meta.url));

/** More steps than a run has. */
const onlyAtTheEnd = 1_000_000;

/** `berth demo --tasks`: the demo's text and labelled rows as files. */
export async function writeTasks(context: Context, to: string): Promise<void> {
  makeFolder(resolve(to), 'name another one with --to');
  await writeDemoTasks(to);
  context.say(
    `in ${to}: speeches to pre-train on, and of ${demoTasks.length} tasks rows to learn from and others to be evaluated on`,
  );
}

/**
 * `berth demo --fine-tune`: pre-trains a small BERT on some of the shipped speeches, and compares on others what it makes of few
 * labelled rows with what the same model makes of them from scratch. Runs that are completed are not run again.
 */
export async function demoFineTune(
  context: Context,
  { to, seeds }: FineTuneOptions,
): Promise<void> {
  const startMs = performance.now();
  const folder = resolve(to);
  await writeTasks(context, to);
  const text = `corpus.path=${join(folder, 'speeches.jsonl')}`;
  const base = loadConfig(runFile('speeches'), [text]).config;
  const { numWorkers, numThreads } = base.cluster;
  context.say(
    `berth demo --fine-tune: a BERT-${base.model.size} is pre-trained for ${formatCount(base.train.numSteps)} steps, then come ` +
      `${2 * seeds * demoTasks.length} short runs: ${demoTasks.length} tasks, from scratch and pre-trained, ${plural(seeds, 'seed')} each. ` +
      'A quarter of an hour for five seeds on two cores that have nothing else to do; after Ctrl-C the same command goes on',
  );
  const detach = new AbortController();
  process.once('SIGINT', () => detach.abort());
  const { signal } = detach;
  const size = { numWorkers, numThreads, ownRun: (await interruptedRun(context)) ?? base.name };
  const compared: Compared[] = [];
  await withCluster(context, size, async (client) => {
    context.say(`watch it at ${client.link('/')}\nlogs in ${context.folder}/logs`);
    const demo = { context, client, folder, numSeeds: seeds, base, signal };
    await pretrain(demo);
    if (!signal.aborted) compared.push(...(await compareAll(demo)));
  });
  if (signal.aborted) {
    context.say('stopped; the same command goes on');
    return;
  }
  const table = comparisonTable(compared);
  const file = join(folder, 'comparison.md');
  await writeFile(file, table);
  context.print(table);
  const others = compared.filter((one) => !isAbove(one)).map(({ question }) => question);
  context.say(
    [
      others.length === 0
        ? 'with every seed pre-trained is better than from scratch with any, and that than the majority'
        : `not with every seed is pre-trained better than from scratch, and that than the majority: ${others.join(', ')}`,
      `done in ${formatDuration(performance.now() - startMs)}; the table is in ${relative(process.cwd(), file)}`,
    ].join('\n'),
  );
}

/** The run of a demo that was interrupted: a cluster takes up what it was started for, and what is asked for later. */
async function interruptedRun(context: Context): Promise<string | undefined> {
  if (findCoordinator(context) !== undefined || !existsSync(context.folder)) return undefined;
  const names = demoTasks.map(({ name }) => name).join('|');
  const isOfDemo = new RegExp(`^(${names})-(scratch|pretrained)-\\d+$`);
  return withRuns(context, async (runs) => {
    const unfinished = (await runs.list())
      .map(({ run }) => run)
      .filter((run) => !isFinal(run.status));
    return unfinished.find(({ runId }) => isOfDemo.test(runId))?.runId;
  });
}

/** Trains the base, and writes it down for its vocabulary, which the models from scratch have too. */
async function pretrain(demo: Demo): Promise<void> {
  const { context, base, signal } = demo;
  await complete(demo, base);
  const to = exported(demo);
  if (!signal.aborted && !existsSync(to))
    await exportModel(context, base.name, { to, for: 'transformers', force: false, json: false });
}

const exported = ({ folder, base }: Demo): string => join(folder, base.name);

/** All tasks with one seed after the other, so that there is something of each early. */
async function compareAll(demo: Demo): Promise<Compared[]> {
  const compared = demoTasks.map((task) => {
    return { ...task, fromScratch: [] as Outcome[], pretrained: [] as Outcome[] };
  });
  for (let seed = 1; seed <= demo.numSeeds; seed++)
    for (const task of compared)
      for (const beginning of ['fromScratch', 'pretrained'] as const) {
        if (demo.signal.aborted) return [];
        const config = await configFor(demo, task, seed, beginning === 'pretrained');
        const { run } = await complete(demo, config);
        if (demo.signal.aborted) return [];
        const outcome = outcomeOfRun(run, await demo.client.metrics(run.runId));
        demo.context.say(outcomeLine(run.runId, outcome));
        task[beginning].push(outcome);
      }
  return compared;
}

/** A run of configs/finetune-<task>.yaml, or the same with a model of that shape and vocabulary which nothing has trained. */
async function configFor(
  demo: Demo,
  task: DemoTask,
  seed: number,
  isPretrained: boolean,
): Promise<RunConfig> {
  const { context, folder, base } = demo;
  const written = readRunFile(runFile(`finetune-${task.name}`), [
    `name=${task.name}-${isPretrained ? 'pretrained' : 'scratch'}-${seed}`,
    `seed=${seed}`,
    `task.train=${join(folder, rowsFile(task, 'train'))}`,
    `task.eval=${join(folder, rowsFile(task, 'eval'))}`,
    `train.evalEverySteps=${onlyAtTheEnd}`,
  ]);
  if (isPretrained) return configOf(written, await initialModel(context, written)).config;
  const { init: _, ...input } = written.input;
  const vocabulary = { path: join(exported(demo), 'vocab.txt') };
  const model = base.model;
  return configOf({ ...written, input: { ...input, model, vocabulary }, init: undefined }).config;
}

/** Runs it to its end, unless that was done before. */
async function complete({ client, signal }: Demo, config: RunConfig): Promise<RunStatusReport> {
  try {
    await client.submit(config, 'trained');
  } catch (error) {
    if (!saysCompleted(error)) throw error;
  }
  return follow(client, config.name, { stream: process.stderr, signal });
}
