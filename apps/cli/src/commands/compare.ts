import { tasks, type CompareResult, type TaskName } from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatTable } from '../format.ts';
import { withModels } from '../models.ts';
import { heldOutOf, measuredOn, type HeldOutOptions } from './eval.ts';

/**
 * `berth compare`: two models on the very same held-out examples.
 * @throws BerthError as `withModels`, and what the process that uses the models answers
 */
export async function compare(
  context: Context,
  [first, second]: readonly [string, string],
  options: HeldOutOptions,
): Promise<void> {
  await withModels(context, [first, second], options.best, async ({ places, ask }) => {
    const [model, other] = places;
    const result = await ask({
      kind: 'compare',
      model: model!,
      other: other!,
      ...heldOutOf(options),
    });
    context.print(options.json ? JSON.stringify(result) : describe(result, options.on));
  });
}

/** A difference counts from so many standard errors on: then it comes of chance in one of 20 cases. */
const numErrors = 1.96;

function describe(result: CompareResult, on: string | undefined): string {
  const rows = Object.entries(result.metrics).map(([name, { value, other, difference }]) => {
    const sign = difference.value < 0 ? '-' : '+';
    const { standardError } = difference;
    const error = standardError === null ? '' : ` ± ${standardError.toFixed(4)}`;
    return [
      `  ${name}`,
      value.toFixed(4),
      other.toFixed(4),
      `${sign}${Math.abs(difference.value).toFixed(4)}${error}`,
      verdict(result.task, name, difference),
    ];
  });
  return [
    `A  ${result.where}`,
    `B  ${result.other}`,
    `on ${measuredOn(result, on)}`,
    formatTable([['  metric', 'A', 'B', 'B - A', ''], ...rows]),
  ].join('\n');
}

function verdict(
  task: TaskName,
  name: string,
  { value, standardError }: CompareResult['metrics'][string]['difference'],
): string {
  if (standardError === null) return '';
  if (value === 0 && standardError === 0) return 'the same for each example';
  if (Math.abs(value) <= numErrors * standardError) return 'no difference that is more than chance';
  const isMoreBetter =
    tasks[task].metrics.find((metric) => metric.name === name)?.isMoreBetter ?? false;
  return value > 0 === isMoreBetter ? 'B is better' : 'A is better';
}
