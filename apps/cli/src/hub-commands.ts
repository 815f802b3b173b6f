import { Option, type Command } from 'commander';
import type { ExportCommandOptions } from './commands/export.ts';
import type { PushOptions } from './commands/push.ts';
import type { Context } from './context.ts';
import { count } from './option-values.ts';

/** The commands that bring a model to others: export, push. */
export function addHubCommands(program: Command, context: Context): void {
  program
    .command('export')
    .description('write a model for Hugging Face: transformers, tokenizers, sentence-transformers')
    .argument(
      '<what>',
      'a run (its newest checkpoint), RUN@STEP, RUN@best, an imported model, or a folder as ./FOLDER',
    )
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
}
