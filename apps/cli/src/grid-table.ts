import {
  isFinal,
  type GridCombination,
  type GridPointReport,
  type GridReport,
  type GridValues,
} from '@berth/contracts';
import { formatCount, formatTable, plural } from './format.ts';

export interface GridTextOptions {
  /** How berth is called here. */
  readonly berth: string;
  /** No cluster runs, so that nothing comes of what is under way. */
  readonly isAtRest: boolean;
  /** Whether its runs are fine-tuned for a task, so that they predict. */
  readonly isFineTuned: boolean;
}

/** All that came out at the points of a grid, for people: each, the means over seeds, the best, and what to type next. */
export function gridText(report: GridReport, options: GridTextOptions): string {
  const { name, points, numCompleted, metric } = report;
  const order = metric.isMoreBetter ? 'more' : 'less';
  const blocks = [
    `${name}: ${numCompleted} of ${points.length} runs completed; the best is named by ${metric.name} (${order} is better)`,
    pointTable(report, options),
  ];
  const hasSeeds = report.combinations.some((combination) => combination.points.length > 1);
  if (hasSeeds) blocks.push(combinationTable(report));
  blocks.push(...bestLines(report, hasSeeds));
  const next = nextCommands(report, options);
  if (next.length > 0) blocks.push(['next:', ...next].join('\n'));
  return blocks.join('\n\n');
}

/** `optimizer.learningRate 2e-5, seed 1` */
export function valuesText(values: GridValues): string {
  return Object.entries(values)
    .map(([path, value]) => `${path} ${valueText(value)}`)
    .join(', ');
}

/** `classify_accuracy 0.812 at step 60, loss 0.432`; nothing where none was evaluated. */
export function resultText({ best }: GridPointReport, { metric }: GridReport): string {
  if (best === null) return '';
  const value = metric.name === 'loss' ? '' : `${metric.name} ${decimals(best.value)}, `;
  return `${value}held-out loss ${decimals(best.loss)} at step ${formatCount(best.step)}`;
}

function pointTable(report: GridReport, { isAtRest }: GridTextOptions): string {
  const { paths, metric, points, bestPoint } = report;
  const isLoss = metric.name === 'loss';
  return formatTable([
    ['run', ...paths, 'status', 'step', 'best at', ...(isLoss ? [] : [metric.name]), 'loss', ''],
    ...points.map(({ runId, point, values, status, step, numSteps, best }) => [
      runId,
      ...paths.map((path) => valueText(values[path])),
      isAtRest && !isFinal(status) && status !== 'queued' ? 'interrupted' : status,
      // Before a run's data is known, nobody knows how many steps its epochs have.
      step === 0 ? '-' : `${step}/${numSteps}`,
      best === null ? '-' : String(best.step),
      ...(isLoss ? [] : [decimals(best?.value)]),
      decimals(best?.loss),
      point === bestPoint ? '<- best run' : '',
    ]),
  ]);
}

function combinationTable({ paths, metric, combinations, bestCombination }: GridReport): string {
  const others = paths.filter((path) => path !== 'seed');
  const heading = others.length === 0 ? [''] : others;
  const nameOf = ({ values }: GridCombination): string[] =>
    others.length === 0 ? ['all seeds'] : others.map((path) => valueText(values[path]));
  return formatTable([
    [...heading, `mean ${metric.name}`, 'spread', 'runs', 'mean loss', ''],
    ...combinations.map((combination, index) => [
      ...nameOf(combination),
      decimals(combination.mean),
      decimals(combination.spread),
      `${combination.numValues}/${combination.points.length}`,
      decimals(combination.meanLoss),
      index === bestCombination && combinations.length > 1 ? '<- best' : '',
    ]),
  ]);
}

function bestLines(report: GridReport, hasSeeds: boolean): string[] {
  const { points, bestPoint, bestCombination, combinations, isOver, metric } = report;
  const best = points.find(({ point }) => point === bestPoint);
  if (best?.best == null || bestCombination === null) return [];
  const soFar = isOver ? '' : ' so far';
  const { values, mean, spread, numValues } = combinations[bestCombination]!;
  const around = spread === null ? '' : `, spread ${decimals(spread)}`;
  const lines = [`best run${soFar}: ${best.runId}, ${resultText(best, report)}`];
  if (hasSeeds && combinations.length > 1)
    lines.unshift(
      `best${soFar}: ${valuesText(values)}; mean ${metric.name} ${decimals(mean)}${around}, of ${plural(numValues, 'run')}`,
    );
  return [lines.join('\n')];
}

/** What can be typed now. */
function nextCommands(
  { name, points, bestPoint, numCompleted, isOver }: GridReport,
  { berth, isAtRest, isFineTuned }: GridTextOptions,
): string[] {
  const next: string[] = [];
  if (numCompleted < points.length && (isOver || isAtRest))
    next.push(`  ${berth} resume ${name}   # those that are not completed`);
  const best = points.find(({ point }) => point === bestPoint);
  if (best?.best == null) return next;
  const at = `${best.runId}@${best.best.step}`;
  next.push(`  ${berth} export ${at} --to ${best.runId}-bert`);
  if (isFineTuned) next.push(`  ${berth} predict ${at} <rows>`);
  return next;
}

/** As people write them: 0.00002 is 2e-5. */
function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'unset';
  if (typeof value === 'string') return value;
  const isSmall = typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3;
  return isSmall ? value.toExponential() : JSON.stringify(value);
}

function decimals(value: number | null | undefined): string {
  return value == null ? '-' : value.toFixed(4);
}
