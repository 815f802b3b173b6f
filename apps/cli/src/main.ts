import { Command, CommanderError } from 'commander';
import { buildInfo, describeBuild } from '@berth/observability';
import { BerthError, dropEmptyVariables, errorToWire, toBerthError } from '@berth/contracts';
import { addAppCommands } from './app-commands.ts';
import type { FineTuneOptions } from './commands/demo-fine-tune.ts';
import type { UpOptions } from './commands/up.ts';
import { createContext, type Context } from './context.ts';
import { helpConfiguration } from './help.ts';
import { addHubCommands } from './hub-commands.ts';
import { addLaunchCommands } from './launch-commands.ts';
import { addMachineCommands } from './machine-commands.ts';
import { addModelCommands } from './model-commands.ts';
import { threads } from './option-values.ts';
import { addRunCommands } from './run-commands.ts';
import { addTrainingCommands } from './training-commands.ts';
import { whole } from './whole.ts';

// Commands are loaded when they are called, so that each starts with no more than it needs.
dropEmptyVariables(process.env);
// What berth and its processes write is for this user only, but for what a user asks to have written.
const umask = process.umask(0o077);
const { print, ...silent } = createContext(process.env, umask);
let hasPrinted = false;
const context: Context = {
  ...silent,
  print(text) {
    hasPrinted = true;
    print(text);
  },
};

const program = new Command('berth')
  .description(
    'Pretrain BERT from raw text on any number of machines. Kill anything: same model, to the bit.',
  )
  .version(describeBuild(buildInfo()))
  .configureHelp(helpConfiguration)
  .showSuggestionAfterError()
  .exitOverride()
  .enablePositionalOptions()
  .addHelpText(
    'before',
    [
      'Examples:',
      '  berth demo                         # the whole of berth on this machine, in minutes',
      '  berth train run.yaml               # a run of your own, with a cluster of its own',
      '  berth up --workers 2               # a cluster that stays; then berth train, status, resume',
      '  berth ledger verify my-run         # prove that every example was used exactly once',
      '  berth fill-mask my-run "a [MASK]"   # what the newest checkpoint puts there',
      '  berth export my-run --to my-bert   # a folder that transformers opens',
      '',
    ].join('\n'),
  );

interface DemoFlags extends FineTuneOptions {
  readonly fineTune: boolean;
  readonly tasks: boolean;
}

program
  .command('demo')
  .description('pretrain a small BERT on the shipped corpus with two workers')
  .option('--fine-tune', 'compare what it makes of labelled rows with a model from scratch', false)
  .option('--seeds <n>', 'of --fine-tune: runs of each kind', whole(1, 100), 5)
  .option('--tasks', 'only write the text and the labelled rows that --fine-tune uses', false)
  .option('--to <folder>', 'of --fine-tune and --tasks: where they write', 'demo-tasks')
  .action(async ({ fineTune, tasks, ...options }: DemoFlags) => {
    if (!fineTune && !tasks) return (await import('./commands/demo.ts')).demo(context);
    const { demoFineTune, writeTasks } = await import('./commands/demo-fine-tune.ts');
    return tasks ? writeTasks(context, options.to) : demoFineTune(context, options);
  });

program
  .command('up')
  .description('start services, coordinator and workers on this machine, until Ctrl-C')
  .option('--workers <n>', 'workers; 0 for those of other machines', whole(0, 1024), 2)
  .option('--coordinators <n>', 'coordinators; all but one stand by', whole(1, 64), 1)
  .option('--threads <n>', 'TensorFlow threads of a worker', threads, 1)
  .option('--port <n>', 'port of the first coordinator; 0: any free one', whole(0, 65_535), 7700)
  .option('--reach <address>', 'let workers of other machines in, at this address of this one')
  .action(async (options: UpOptions) => (await import('./commands/up.ts')).up(context, options));

addAppCommands(program, process.env);

addTrainingCommands(program, context);
addRunCommands(program, context);
addModelCommands(program, context);
addHubCommands(program, context);
addLaunchCommands(program, context);
addMachineCommands(program, context);

// A full disk or a reader that is gone ends the output, not the cluster that this process may be.
process.stderr.on('error', () => undefined);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // As `head` does it, that has seen enough.
  if (error.code === 'EPIPE') return;
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
