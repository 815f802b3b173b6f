import { Command, CommanderError, Option } from 'commander';
import { buildInfo, describeBuild } from '@berth/observability';
import {
  BerthError,
  dropEmptyVariables,
  errorToWire,
  modelSizeNames,
  toBerthError,
  type ModelSize,
} from '@berth/contracts';
import { addAppCommands } from './app-commands.ts';
import type { ControlOptions } from './commands/control.ts';
import type { ExtendOptions } from './commands/extend.ts';
import type { PinOptions } from './commands/pin.ts';
import type { ResumeOptions } from './commands/train.ts';
import type { ChaosCommandOptions } from './commands/chaos.ts';
import type { ExportCommandOptions } from './commands/export.ts';
import type { DoctorOptions } from './commands/doctor.ts';
import type { ImportOptions } from './commands/import.ts';
import type { ForkOptions } from './commands/fork.ts';
import type { InitOptions } from './commands/init.ts';
import type { PushOptions } from './commands/push.ts';
import type { UpOptions } from './commands/up.ts';
import { createContext, type Context } from './context.ts';
import { addModelCommands } from './model-commands.ts';
import { whole } from './whole.ts';

// Commands are loaded when they are called, so that each starts with no more than it needs.
dropEmptyVariables(process.env);
const { print, ...silent } = createContext(process.env);
let hasPrinted = false;
const context: Context = {
  ...silent,
  print(text) {
    hasPrinted = true;
    print(text);
  },
};
// What berth and its processes write is for this user only.
process.umask(0o077);

const count = whole(0, 999_999_999);
const steps = whole(1, 999_999_999);
const workers = whole(1, 1024);
const threads = whole(1, 1024);
const collect = (text: string, before: string[]): string[] => [...before, text];

const program = new Command('berth')
  .description(
    'Pretrain BERT from raw text on any number of machines. Kill anything: same model, to the bit.',
  )
  .version(describeBuild(buildInfo()))
  .showSuggestionAfterError()
  .exitOverride()
  .enablePositionalOptions()
  .addHelpText(
    'before',
    [
      'Examples:',
      '  berth demo                                  the whole of berth on this machine, in minutes',
      '  berth train configs/demo.yaml               a run of your own, with a cluster of its own',
      '  berth up --workers 2                        a cluster that stays; then berth train, status, resume',
      '  berth ledger verify my-run                  prove that every example was used exactly once',
      '  berth export my-run --to my-bert            a folder that transformers opens',
      '',
    ].join('\n'),
  );

program
  .command('demo')
  .description('pretrain a small BERT on the shipped corpus with two workers')
  .action(async () => (await import('./commands/demo.ts')).demo(context));

program
  .command('up')
  .description('start services, coordinator and workers on this machine, until Ctrl-C')
  .option('--workers <n>', 'workers; 0 for those of other machines', whole(0, 1024), 2)
  .option('--coordinators <n>', 'coordinators; all but one stand by', whole(1, 64), 1)
  .option('--threads <n>', 'TensorFlow threads of a worker', threads, 1)
  .option('--port <n>', 'port of the first coordinator; 0: any free one', whole(0, 65_535), 7700)
  .action(async (options: UpOptions) => (await import('./commands/up.ts')).up(context, options));

addAppCommands(program, process.env);

interface TrainFlags {
  set: string[];
  workers?: number;
  json: boolean;
  dryRun: boolean;
  ifNeeded: boolean;
}

for (const [name, goal, description] of [
  ['prepare', 'prepared', 'make the vocabulary, the dataset and the first examples of a run'],
  ['train', 'trained', 'train a run, or go on with it'],
] as const)
  program
    .command(name)
    .description(description)
    .argument('<file>', 'run file (YAML or JSON)')
    .option('--set <key=value>', 'override a setting, such as train.numSteps=200', collect, [])
    .option('--workers <n>', 'workers to start', workers)
    .option('--if-needed', 'succeed at once when the run is completed', false)
    .option('--dry-run', 'print the resolved config and do nothing', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (file: string, options: TrainFlags) => {
      // To load what trains takes a while.
      context.say(`reading ${file}`);
      return (await import('./commands/train.ts')).train(context, file, goal, options);
    });

program
  .command('import')
  .description('store the model of a Hugging Face folder, for runs to begin with (init.from)')
  .argument('<folder>')
  .option('--name <name>', 'what runs call it; the name of the folder when left out')
  .option('--json', 'print the result as JSON', false)
  .action(async (folder: string, options: ImportOptions) =>
    (await import('./commands/import.ts')).importModel(context, folder, options),
  );

program
  .command('resume')
  .description('continue a run from its newest valid checkpoint, or from an older one')
  .argument('<run>')
  .option('--from <step>', 'checkpoint to go on from; what was done after it is filed away', count)
  .option('--workers <n>', 'workers to start', workers, 1)
  .option('--threads <n>', 'TensorFlow threads of a worker, as the run had', threads, 1)
  .option('--json', 'print the result as JSON', false)
  .action(async (runId: string, options: ResumeOptions) =>
    (await import('./commands/train.ts')).resume(context, runId, options),
  );

program
  .command('fork')
  .description('go on from a checkpoint of a run with other settings, as a run of its own')
  .argument('<run>')
  .option('--from <step>', 'the checkpoint; the newest when left out', count)
  .option(
    '--set <key=value>',
    'what it has otherwise, such as optimizer.learningRate=1e-5',
    collect,
    [],
  )
  .option('--name <name>', 'of the new run; that of the old one and -fork when left out')
  .option('--workers <n>', 'workers to start; as the run had when left out', workers)
  .option('--json', 'print the result as JSON', false)
  .action(async (run: string, options: ForkOptions) =>
    (await import('./commands/fork.ts')).fork(context, run, options),
  );

program
  .command('extend')
  .description('train a run that rests for more steps than planned, to the bits of one planned so')
  .argument('<run>')
  .requiredOption('--steps <n>', 'steps of the whole run, those done included', steps)
  .option('--decay-steps <n>', 'let the last of them decay, as the schedule wsd does', steps)
  .option('--workers <n>', 'workers to start; as the run had', workers)
  .option('--json', 'print the result as JSON', false)
  .action(async (run: string, options: ExtendOptions) =>
    (await import('./commands/extend.ts')).extend(context, run, options),
  );

for (const [name, description] of [
  ['pause', 'finish the step, save, and free the workers until berth resume'],
  ['stop', 'finish the step, save, and end'],
  ['kill', 'end at once, without saving'],
] as const) {
  const command = program
    .command(name)
    .description(description)
    .argument('<run>')
    .option('--json', 'print the result as JSON', false)
    .action(async (runId: string, options: ControlOptions) =>
      (await import('./commands/control.ts')).control(context, runId, name, options),
    );
  if (name === 'kill') command.option('--yes', 'do not ask', false);
}

program
  .command('checkpoint')
  .description('save now and go on, and keep that checkpoint; or keep another, or one no longer')
  .argument('<run>')
  .option('--pin <step>', 'save nothing: keep the checkpoint of this step for good', count)
  .option('--unpin <step>', 'save nothing: let that of this step go when newer ones come', count)
  .option('--json', 'print the result as JSON', false)
  .action(async (runId: string, options: PinOptions) => {
    if (options.pin !== undefined || options.unpin !== undefined)
      return (await import('./commands/pin.ts')).pin(context, runId, options);
    return (await import('./commands/control.ts')).control(context, runId, 'checkpoint', options);
  });

program
  .command('ls')
  .description('all runs')
  .option('--json', 'print as JSON', false)
  .action(async (options: { json: boolean }) =>
    (await import('./commands/status.ts')).status(context, undefined, options),
  );

program
  .command('status')
  .description('all runs, or one in full')
  .argument('[run]')
  .option('--json', 'print as JSON', false)
  .action(async (runId: string | undefined, options: { json: boolean }) =>
    (await import('./commands/status.ts')).status(context, runId, options),
  );

program
  .command('rm')
  .description('remove a run for good, with all that only it uses')
  .argument('<run>')
  .option('--yes', 'do not ask', false)
  .option('--json', 'print what went as JSON', false)
  .action(async (runId: string, options: { json: boolean; yes: boolean }) =>
    (await import('./commands/rm.ts')).rm(context, runId, options),
  );

program
  .command('ledger')
  .description('the record of committed steps')
  .command('verify')
  .description('prove that every example was used exactly once, in order')
  .argument('<run>')
  .option('--json', 'print as JSON', false)
  .action(async (runId: string, options: { json: boolean }) => {
    await (await import('./commands/ledger.ts')).verifyRunLedger(context, runId, options);
  });

addModelCommands(program, context);

program
  .command('export')
  .description('write a model for Hugging Face: transformers, tokenizers, sentence-transformers')
  .argument('<what>', 'a run (its newest checkpoint), RUN@STEP, RUN@best, or a folder as ./FOLDER')
  .requiredOption('--to <place>', 'folder to write, or s3://BUCKET/PREFIX')
  .option('--step <n>', 'checkpoint of this step', count)
  .addOption(
    new Option('--for <library>', 'also what this library reads')
      .choices(['transformers', 'sentence-transformers'])
      .default('transformers'),
  )
  .option('--force', 'write over files of the same names', false)
  .option('--json', 'print the result as JSON', false)
  .action(async (what: string, options: ExportCommandOptions) =>
    (await import('./commands/export.ts')).exportModel(context, what, options),
  );

program
  .command('push')
  .description('publish a checkpoint on the Hugging Face Hub; the token is taken from HF_TOKEN')
  .argument('<run>', 'a run (its newest checkpoint), RUN@STEP or RUN@best')
  .argument('<repository>', 'owner/name')
  .option('--step <n>', 'checkpoint of this step', count)
  .addOption(
    new Option('--for <library>', 'also what this library reads')
      .choices(['transformers', 'sentence-transformers'])
      .default('transformers'),
  )
  .option('--create', 'make the repository, private, where there is none', false)
  .option('--json', 'print the result as JSON', false)
  .action(async (what: string, repo: string, options: PushOptions) =>
    (await import('./commands/push.ts')).push(context, what, repo, options),
  );

program
  .command('params')
  .description('count the parameters of a model')
  .option('--model <size>', modelSizeNames.join(', '), 'base')
  .option('--vocab-size <n>', 'entries of the vocabulary', whole(1, 2 ** 31), 30_522)
  .option('--json', 'print as JSON', false)
  .action(async (options: { model: string; vocabSize: number; json: boolean }) => {
    if (!(modelSizeNames as readonly string[]).includes(options.model))
      program.error(`error: --model must be one of ${modelSizeNames.join(', ')}`, { exitCode: 2 });
    const { params } = await import('./commands/params.ts');
    params(context, options.model as ModelSize, options);
  });

program
  .command('init')
  .description('make the secrets of the compose cluster')
  .option('--folder <folder>', 'where to write .env; infra/compose when left out')
  .option('--force', 'replace those that are there', false)
  .action(async (options: InitOptions) =>
    (await import('./commands/init.ts')).init(context, options),
  );

program
  .command('doctor')
  .description('whether a run would work here, and what to do where not')
  .option('--report', 'print what to paste into an issue', false)
  .option('--json', 'print as JSON', false)
  .action(async (options: DoctorOptions) =>
    (await import('./commands/doctor.ts')).doctor(context, options),
  );

program
  .command('chaos')
  .description('train a run undisturbed and through faults, and compare the weights')
  .option('--config <file>', 'run file; a very small model when left out')
  .option('--set <key=value>', 'override a setting, such as train.numSteps=60', collect, [])
  .option('--seed <list>', 'decide when which fault comes; one disturbed run for each', '1')
  .option('--fault <kind=count>', 'only these faults, such as worker-kill=20', collect, [])
  .option('--sizes <list>', 'also train undisturbed with these numbers of workers, such as 2,3', '')
  .option('--outage-seconds <n>', 'length of a store outage', count, 10)
  .option('--stall-seconds <n>', 'how long one request to the store hangs', count, 30)
  .option('--redis-outage-seconds <n>', 'length of a Redis outage', count, 1)
  .option('--pause-seconds <n>', 'how long what pauses pauses', count, 3)
  .option('--timeout-minutes <n>', 'longest a run may take', count, 30)
  .option('--json', 'print the report as JSON', false)
  .action(async (options: ChaosCommandOptions) =>
    (await import('./commands/chaos.ts')).chaos(context, options),
  );

program
  .command('bench')
  .description(
    'measure: step, step-against-pytorch, recovery, soak; --help after the name shows its options',
  )
  .argument('[name]')
  .argument('[options...]', 'passed on to the benchmark')
  .allowUnknownOption()
  .passThroughOptions()
  .helpOption(false)
  .action(
    async (name: string | undefined, options: string[], _flags: unknown, command: Command) => {
      const { bench, benchmarks, clusterBenchmarks } = await import('./commands/bench.ts');
      const names = [...Object.keys(benchmarks), ...Object.keys(clusterBenchmarks)];
      if (name === undefined || name === '--help' || name === '-h') {
        context.print(`${command.helpInformation()}\nBenchmarks: ${names.join(', ')}`);
        return;
      }
      if (name in clusterBenchmarks) {
        const run = await clusterBenchmarks[name as keyof typeof clusterBenchmarks]();
        return run(context, options);
      }
      if (name in benchmarks) return bench(name as keyof typeof benchmarks, options);
      program.error(`error: benchmarks are ${names.join(', ')}`, { exitCode: 2 });
    },
  );

program
  .command('logs', { hidden: true })
  .argument('[words...]')
  .allowUnknownOption()
  .action(() => {
    const where = `${context.folder}/logs, and on the page under Logs, also those of other machines`;
    program.error(`error: there is no command for logs; they are in ${where}`, { exitCode: 2 });
  });

// A full disk or a reader that is gone ends the output, not the cluster that this process may be.
process.stderr.on('error', () => undefined);
process.stdout.on('error', (error: Error) => {
  context.say(`error: the output cannot be written: ${error.message}`);
  process.exitCode = 1;
});

const isJson = process.argv.includes('--json');

/** Standard output is one JSON document for those who ask for one: the result, or why there is none. */
function printError(error: unknown): void {
  if (isJson && !hasPrinted) context.print(JSON.stringify({ error: errorToWire(error) }));
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    const message = error.message.replace(/^error: /, '');
    if (error.exitCode !== 0) printError(new BerthError('USAGE', message));
  } else {
    const { message, policy, code, stack } = toBerthError(error);
    context.say(`error: ${message}`);
    if (code === 'INTERNAL') context.logger.error('Unexpected', { stack });
    printError(error);
    process.exitCode = policy.exitCode;
  }
}
