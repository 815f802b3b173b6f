import type { Command } from 'commander';
import type { ExtendOptions } from './commands/extend.ts';
import type { ForgetOptions } from './commands/forget.ts';
import type { ForkOptions } from './commands/fork.ts';
import type { ImportOptions } from './commands/import.ts';
import type { RemoveModelOptions } from './commands/models.ts';
import type { ResumeOptions } from './commands/train.ts';
import type { Context } from './context.ts';
import { collect, count, steps, threads, workers } from './option-values.ts';

interface TrainFlags {
  set: string[];
  workers?: number;
  json: boolean;
  dryRun: boolean;
  ifNeeded: boolean;
  skipBad?: boolean;
}

type ForgetFlags = ForgetOptions & { readonly purge: boolean };

/** The commands that train: prepare, train, finetune, import, resume, fork, extend. */
export function addTrainingCommands(program: Command, context: Context): void {
  for (const [name, goal, description] of [
    ['prepare', 'prepared', 'make the vocabulary, the dataset and the first examples of a run'],
    ['train', 'trained', 'train a run, or go on with it'],
    ['finetune', 'trained', 'fine-tune a model for a task, or go on with it'],
  ] as const) {
    const command = program
      .command(name)
      .description(description)
      .argument('<file>', 'run file (YAML or JSON)')
      .option('--set <key=value>', 'override a setting, such as train.numSteps=200', collect, [])
      .option('--workers <n>', 'workers to start', workers)
      .option('--if-needed', 'succeed at once when the run is completed', false)
      .option('--dry-run', 'print the resolved config and do nothing', false)
      .option('--json', 'print the result as JSON', false)
      .action(async (file: string, { skipBad = false, ...options }: TrainFlags) => {
        // To load what trains takes a while.
        context.say(`reading ${file}`);
        return (await import('./commands/train.ts')).train(context, file, goal, {
          ...options,
          set: skipBad ? [...options.set, 'corpus.skipBad=true'] : options.set,
          needsTask: name === 'finetune',
        });
      });
    if (name !== 'finetune')
      command.option('--skip-bad', 'pass over text that cannot be read (corpus.skipBad=true)');
  }

  program
    .command('import')
    .description('store the model of a Hugging Face folder, for runs to begin with (init.from)')
    .argument('<folder>')
    .option('--name <name>', 'what runs call it; the name of the folder when left out')
    .option('--json', 'print the result as JSON', false)
    .action(async (folder: string, options: ImportOptions) =>
      (await import('./commands/import.ts')).importModel(context, folder, options),
    );

  const models = program
    .command('models')
    .description('the stored models that runs can begin with, and which began so')
    .option('--json', 'print as JSON', false)
    .action(async (options: { readonly json: boolean }) =>
      (await import('./commands/models.ts')).listStoredModels(context, options),
    );
  models
    .command('rm')
    .description('remove a model for good; refused while there is a run that began with it')
    .argument('<model>', 'its name, or the beginning of its SHA-256')
    .option('--yes', 'do not ask', false)
    .option('--json', 'print the result as JSON', false)
    .action(async (what: string, options: RemoveModelOptions) =>
      (await import('./commands/models.ts')).removeStoredModel(context, what, options),
    );

  program
    .command('resume')
    .description('continue a run from its newest valid checkpoint, or from an older one')
    .argument('<run>', 'or a grid, of which all runs are continued')
    .option(
      '--from <step>',
      'checkpoint to go on from; what was done after it is filed away',
      count,
    )
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
    .description(
      'train a run that rests for more steps than planned, to the bits of one planned so',
    )
    .argument('<run>')
    .requiredOption('--steps <n>', 'steps of the whole run, those done included', steps)
    .option('--decay-steps <n>', 'let the last of them decay, as the schedule wsd does', steps)
    .option('--workers <n>', 'workers to start; as the run had', workers)
    .option('--json', 'print the result as JSON', false)
    .action(async (run: string, options: ExtendOptions) =>
      (await import('./commands/extend.ts')).extend(context, run, options),
    );

  program
    .command('forget')
    .description('take documents out of the data of a run, and train again what it learnt of them')
    .argument('<run>')
    .argument('[documents...]', 'by name (id field, or file and line) or hash')
    .option('--match <file>', 'also those that this file names, one a line')
    .option('--dry-run', 'only say which documents, their first use and the steps to repeat', false)
    .option('--purge', 'delete what still holds documents that it has forgotten before', false)
    .option('--yes', 'do not ask', false)
    .option('--workers <n>', 'workers to start; as the run had', workers)
    .option('--json', 'print the result as JSON', false)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  berth forget my-run article-812 --dry-run',
        '  berth forget my-run --match withdrawn.txt --yes',
        '  berth forget my-run --purge              # old data, examples and checkpoints',
      ].join('\n'),
    )
    .action(async (run: string, documents: string[], options: ForgetFlags) =>
      options.purge
        ? (await import('./commands/purge.ts')).purge(context, run, options)
        : (await import('./commands/forget.ts')).forget(context, run, documents, options),
    );
}
