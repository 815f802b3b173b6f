import type { StepReplay } from '@berth/coordinator/replay-step';
import { withServices } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { exampleLegend, exampleText } from '../example-text.ts';
import { formatCount, plural } from '../format.ts';
import { painter, printPainted, showsColours } from '../paint.ts';

export interface ReplayOptions {
  readonly step: number;
  /** Shown at most. */
  readonly examples?: number;
  readonly json: boolean;
}

/** As many as one looks at; JSON has all of them. */
const defaultShown = 8;

/**
 * `berth replay`: the examples of a committed step, with the documents that they are of.
 * @throws BerthError `RUN_NOT_FOUND`, `STEP_NOT_COMMITTED`, `LEDGER_INVALID` when what is made is not what was trained on
 */
export async function replay(
  context: Context,
  run: string,
  { step, examples: numWanted, json }: ReplayOptions,
): Promise<void> {
  const { replayStep } = await import('@berth/coordinator/replay-step');
  const report = await withServices(context, (services) =>
    replayStep(services, run, step, {
      logger: context.logger,
      onShard: (epoch, shard) =>
        context.say(`making the examples of shard ${shard}, epoch ${epoch}`),
    }),
  );
  const shown = report.examples.slice(0, numWanted ?? (json ? undefined : defaultShown));
  if (json) context.print(JSON.stringify({ ...report, examples: shown }));
  else printPainted(textOf({ ...report, examples: shown }, report, context));
}

function textOf(
  { examples: shown }: StepReplay,
  { runId, step, from, to, examples, datasetId, exampleSetId, sums }: StepReplay,
  { env }: Context,
): string {
  const paint = painter(showsColours(env));
  const sumTexts = Object.entries(sums).map(([name, sum]) => `${name} ${formatCount(sum)}`);
  const rest = examples.length - shown.length;
  return [
    `${runId}, step ${formatCount(step)}: ${plural(examples.length, 'example')}, as the ledger has them`,
    `  cursor       example ${formatCount(from.index)} of epoch ${from.epoch}, to ${formatCount(to.index)} of epoch ${to.epoch}`,
    `  sums         ${sumTexts.join(', ')}`,
    `  dataset      ${datasetId}`,
    `  example set  ${exampleSetId}`,
    '',
    exampleLegend(paint),
    ...shown.flatMap((example, index) => [
      '',
      paint(
        'strong',
        `example ${index}: virtual rank ${example.virtualRank}, number ${example.example} of shard ${example.shard}, epoch ${example.epoch}`,
      ),
      exampleText(example, paint),
    ]),
    ...(rest > 0
      ? ['', `${plural(rest, 'more example')}: --examples ${examples.length} or --json`]
      : []),
  ].join('\n');
}
