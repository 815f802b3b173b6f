import type { Command } from 'commander';
import type { ControlOptions } from './commands/control.ts';
import type { InspectOptions } from './commands/data-inspect.ts';
import type { DrainOptions } from './commands/drain.ts';
import type { PinOptions } from './commands/pin.ts';
import type { PruneOptions } from './commands/prune.ts';
import type { ReplayOptions } from './commands/replay.ts';
import type { Context } from './context.ts';
import { count } from './option-values.ts';
import { whole } from './whole.ts';

/** The commands that steer runs, and tell of them: pause to ledger. */
export function addRunCommands(program: Command, context: Context): void {
  for (const [name, description] of [
    ['pause', 'finish the step, save, and free the workers until berth resume'],
    ['stop', 'finish the step, save, and end'],
    ['kill', 'end at once, without saving'],
  ] as const) {
    const command = program
      .command(name)
      .description(description)
      .argument('<run>', 'or a grid')
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
    .command('drain')
    .description('tell a worker to leave after the step under way, as a signal would')
    .argument('<worker>', 'its id, or the beginning of it')
    .option('--within <seconds>', 'until it is gone; its own grace period', whole(1, 86_400))
    .option('--json', 'print the result as JSON', false)
    .action(async (worker: string, options: DrainOptions) =>
      (await import('./commands/drain.ts')).drain(context, worker, options),
    );

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
    .argument('[run]', 'or a grid')
    .option('--json', 'print as JSON', false)
    .action(async (runId: string | undefined, options: { json: boolean }) =>
      (await import('./commands/status.ts')).status(context, runId, options),
    );

  program
    .command('grid')
    .description(
      'what came out at the points of a grid: each, mean and spread over seeds, the best',
    )
    .argument('[name]', 'of the grid; all grids when left out')
    .option('--json', 'print as JSON', false)
    .action(async (name: string | undefined, options: { json: boolean }) =>
      (await import('./commands/grid.ts')).grid(context, name, options),
    );

  program
    .command('rm')
    .description('remove a run, or all runs of a grid, for good, with all that only they use')
    .argument('<run>', 'or a grid')
    .option('--yes', 'do not ask', false)
    .option('--json', 'print what went as JSON', false)
    .action(async (runId: string, options: { json: boolean; yes: boolean }) =>
      (await import('./commands/rm.ts')).rm(context, runId, options),
    );

  program
    .command('prune')
    .description('what lies in the bucket that no run needs: data, plans, vocabularies')
    .option('--yes', 'delete it', false)
    .option('--older-than <hours>', 'only what nothing was written to for so long', count, 24)
    .option('--json', 'print it as JSON', false)
    .action(async (options: PruneOptions) =>
      (await import('./commands/prune.ts')).prune(context, options),
    );

  program
    .command('replay')
    .description('the examples of a committed step, and the documents that they are of')
    .argument('<run>')
    .requiredOption('--step <n>', 'which step, counted from 0 as the ledger does', count)
    .option(
      '--examples <n>',
      'shown at most (default: 8; all of them with --json)',
      whole(1, 1_000_000),
    )
    .option('--json', 'print as JSON', false)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  berth replay my-run --step 400',
        '  berth replay my-run --step 0 --json | jq ".examples[].sources[].document"',
      ].join('\n'),
    )
    .action(async (runId: string, options: ReplayOptions) =>
      (await import('./commands/replay.ts')).replay(context, runId, options),
    );

  program
    .command('data')
    .description('the data that runs learn from')
    .command('inspect')
    .description(
      'examples of it, whether its numbers are as they should be, and its oddest documents',
    )
    .argument('<what>', 'a run, or the beginning of the id of its dataset')
    .option('--examples <n>', 'shown', whole(0, 1_000), 4)
    .option('--all', 'look at all of it, which takes as long as reading it', false)
    .option('--json', 'print as JSON', false)
    .action(async (what: string, options: InspectOptions) =>
      (await import('./commands/data-inspect.ts')).inspectData(context, what, options),
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
}
