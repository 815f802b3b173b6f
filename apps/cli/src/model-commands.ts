import { Option, type Command } from 'commander';
import type { EmbedOptions } from './commands/embed.ts';
import type { EvalOptions, HeldOutOptions } from './commands/eval.ts';
import type { FillMaskOptions } from './commands/fill-mask.ts';
import type { PredictOptions } from './commands/predict.ts';
import type { Context } from './context.ts';
import { whole } from './whole.ts';

/** The commands that use a trained model: eval, compare, fill-mask, predict, embed. */
export function addModelCommands(program: Command, context: Context): void {
  const namesModel =
    'a run (its newest checkpoint), RUN@STEP, RUN@best, an imported model, or a Hugging Face folder as ./FOLDER';

  for (const [name, operands, description] of [
    [
      'eval',
      ['<what>'],
      'how well a model predicts what was held out, with what knowing nothing reaches',
    ],
    ['compare', ['<a>', '<b>'], 'two models on the same held-out text, and whether they differ'],
  ] as const) {
    const command = program.command(name).description(description);
    for (const operand of operands) command.argument(operand, namesModel);
    command
      .option(
        '--on <corpus>',
        name === 'eval'
          ? "text files, a folder or a glob; of a fine-tuned model a file of rows with labels; the run's own held-out data when left out"
          : "text files, a folder or a glob; the run's own held-out documents when left out",
      )
      .option('--examples <n>', 'examples at most (default: 512)', whole(1, 1_000_000))
      .option(
        '--seq-length <n>',
        'tokens of an example at most (default: those of its run; of a folder 128)',
        whole(8, 4096),
      )
      .option('--best', 'of a run its best checkpoint, by held-out loss', false)
      .option('--json', 'print as JSON', false);
    if (name === 'eval')
      command
        .option(
          '--pseudo-perplexity',
          'also mask each token alone: a forward pass for each, so take few --examples',
          false,
        )
        .option(
          '--text <column>',
          'of rows: that has the text; one that is called so when left out',
        )
        .option('--pair <column>', 'that has the second text')
        .option('--label <column>', 'that has the label')
        .option('--words <column>', 'that has the words')
        .option('--tags <column>', 'that has their tags')
        .addHelpText(
          'after',
          [
            '',
            'Examples:',
            '  berth eval my-run                      # on what its run holds out',
            '  berth eval my-run@best --on "news/*.txt"',
            '  berth eval ./bert-base-uncased --on news.txt --seq-length 512 --json',
            '  berth eval my-reviews --on test.csv    # a fine-tuned model, on rows with labels',
            '  berth eval my-run --on news.txt --pseudo-perplexity --examples 32',
          ].join('\n'),
        )
        .action(async (what: string, options: EvalOptions) =>
          (await import('./commands/eval.ts')).evaluate(context, what, options),
        );
    else
      command
        .addHelpText(
          'after',
          [
            '',
            'Examples:',
            '  berth compare my-run@400 my-run@best',
            '  berth compare my-run ./bert-tiny --on news.txt   # both must have one vocabulary',
          ].join('\n'),
        )
        .action(async (a: string, b: string, options: HeldOutOptions) =>
          (await import('./commands/compare.ts')).compare(context, [a, b], options),
        );
  }

  program
    .command('fill-mask')
    .description('what a model puts in the place of [MASK]')
    .argument('<what>', namesModel)
    .argument('[texts...]', 'with [MASK] where a word is missing; one a line on standard input')
    .option('--top <n>', 'candidates for each mask', whole(1, 100), 5)
    .option('--best', 'of a run its best checkpoint, by held-out loss', false)
    .option('--json', 'print as JSON', false)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  berth fill-mask my-run "the state of the [MASK]"',
        '  berth fill-mask ./bert-base-uncased "a [MASK] of the [MASK]" --top 3',
        '  berth fill-mask my-run@best --json < texts.txt',
      ].join('\n'),
    )
    .action(async (what: string, texts: string[], options: FillMaskOptions) =>
      (await import('./commands/fill-mask.ts')).fillMask(context, what, texts, options),
    );

  program
    .command('predict')
    .description('what a fine-tuned model says of each row of a file, with probabilities')
    .argument('<what>', namesModel)
    .argument(
      '<file>',
      'rows as for training, labels or not; - for lines of JSON on standard input',
    )
    .option('--out <file>', 'lines of JSON; standard output when left out')
    .option('--text <column>', 'that has the text; one that is called so when left out')
    .option('--pair <column>', 'that has the second text')
    .option('--words <column>', 'that has the words to tag')
    .option(
      '--seq-length <n>',
      'tokens of an example at most (default: as it was trained; of a folder what it takes)',
      whole(8, 4096),
    )
    .option('--best', 'of a run its best checkpoint', false)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  berth predict my-reviews reviews.csv --out predictions.jsonl',
        '  berth predict my-reviews@best articles.parquet --text body',
        '  echo \'{"text": "a fine film"}\' | berth predict ./my-bert -',
      ].join('\n'),
    )
    .action(async (what: string, file: string, options: PredictOptions) =>
      (await import('./commands/predict.ts')).predict(context, what, file, options),
    );

  program
    .command('embed')
    .description('a vector for each text of a file')
    .argument('<what>', namesModel)
    .argument('<file>', 'one text a line, or .jsonl; - for standard input')
    .addOption(
      new Option(
        '--pooling <kind>',
        'mean of the last layer, its pooler, or the mean of four layers',
      )
        .choices(['mean', 'pooled', 'last-4'])
        .default('mean'),
    )
    .option('--normalize', 'vectors of length 1', false)
    .option('--field <name>', 'of a line of JSON: where its text is; text when left out')
    .option('--out <file>', '.npy or .jsonl; lines of JSON on standard output when left out')
    .option('--best', 'of a run its best checkpoint, by held-out loss', false)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  berth embed my-run texts.txt --out vectors.npy',
        '  berth embed ./all-MiniLM articles.jsonl --field body --normalize --out vectors.jsonl',
      ].join('\n'),
    )
    .action(async (what: string, file: string, options: EmbedOptions) =>
      (await import('./commands/embed.ts')).embed(context, what, file, options),
    );
}
