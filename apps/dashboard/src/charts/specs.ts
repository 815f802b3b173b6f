import type { ShownMetric, Task } from '@berth/contracts/constants';
import {
  formatCompact,
  formatDuration,
  formatNumber,
  formatPercent,
  formatPercentTick,
  formatTick,
} from '../format.ts';
import type { Aim } from './summary.ts';

export interface SeriesSpec {
  readonly metric: string;
  readonly kind: 'step' | 'eval';
  readonly label: string;
  /** Name of a colour token. */
  readonly colour: string;
}

export interface ChartSpec {
  readonly id: string;
  readonly title: string;
  readonly section: 'learning' | 'speed';
  readonly aim: Aim;
  readonly format: (value: number) => string;
  /** For the labels of the vertical axis. */
  readonly formatTick: (value: number) => string;
  /** Takes the whole width of the page. */
  readonly isWide?: boolean;
  readonly series: readonly SeriesSpec[];
  /** Areas on top of each other, which add up. */
  readonly isStacked?: boolean;
  /** Whether smoothing does it any good. */
  readonly canSmooth?: boolean;
}

function trainAndEval(metric: string, name: string): SeriesSpec[] {
  return [
    { metric, kind: 'step', label: `${name}, train`, colour: 'series-1' },
    evalOnly(metric, name),
  ];
}

function evalOnly(metric: string, name: string): SeriesSpec {
  return { metric, kind: 'eval', label: `${name}, held-out`, colour: 'series-2' };
}

function trainOnly(metric: string, label: string): SeriesSpec[] {
  return [{ metric, kind: 'step', label, colour: 'series-1' }];
}

const phases = [
  ['dataMs', 'Data wait', 'series-3'],
  ['computeMs', 'Forward and backward', 'series-1'],
  ['reduceMs', 'Wait for the sum', 'series-2'],
  ['commitMs', 'Vote and commit', 'series-4'],
  ['applyMs', 'Optimizer', 'series-5'],
] as const;

export const lossChart: ChartSpec = {
  id: 'loss',
  title: 'Loss',
  section: 'learning',
  aim: 'low',
  format: formatNumber,
  formatTick,
  series: trainAndEval('loss', 'Loss'),
  isWide: true,
  canSmooth: true,
};

const formats = {
  nats: { format: formatNumber, formatTick },
  ratio: { format: formatPercent, formatTick: formatPercentTick },
  squared: { format: formatNumber, formatTick },
  correlation: { format: formatNumber, formatTick },
} as const;

/** The charts of a run that learns a task, in the order in which they are read. */
export function chartSpecs(task: Task): readonly ChartSpec[] {
  const own = (
    { name, label, unit, isMoreBetter }: ShownMetric,
    series: readonly SeriesSpec[],
    canSmooth: boolean,
  ): ChartSpec => ({
    id: name,
    title: label,
    section: 'learning',
    aim: isMoreBetter ? 'high' : 'low',
    ...formats[unit],
    series,
    canSmooth,
  });
  return [
    lossChart,
    ...task.metrics.map((metric) => own(metric, trainAndEval(metric.name, metric.label), true)),
    ...task.reportMetrics.map((metric) =>
      own(metric, [evalOnly(metric.name, metric.label)], false),
    ),
    ...otherCharts,
  ];
}

/** The charts that every task has besides. */
const otherCharts: readonly ChartSpec[] = [
  {
    id: 'gradientNorm',
    title: 'Gradient norm before clipping',
    section: 'learning',
    aim: 'none',
    format: formatNumber,
    formatTick,
    series: trainOnly('gradientNorm', 'Gradient norm'),
    canSmooth: true,
  },
  {
    id: 'learningRate',
    title: 'Learning rate',
    section: 'learning',
    aim: 'none',
    format: formatNumber,
    formatTick,
    series: trainOnly('learningRate', 'Learning rate'),
  },
  {
    id: 'tokensPerSecond',
    title: 'Tokens per second',
    section: 'speed',
    aim: 'high',
    format: formatCompact,
    formatTick: formatCompact,
    series: trainOnly('tokensPerSecond', 'Tokens per second'),
    canSmooth: true,
  },
  {
    id: 'stepMs',
    title: 'Step time',
    section: 'speed',
    aim: 'low',
    format: formatDuration,
    formatTick: formatDuration,
    series: trainOnly('stepMs', 'Step time'),
    canSmooth: true,
  },
  {
    id: 'phases',
    title: 'Where a step’s time goes',
    section: 'speed',
    aim: 'none',
    format: formatDuration,
    formatTick: formatDuration,
    series: phases.map(([metric, label, colour]) => ({ metric, kind: 'step', label, colour })),
    isStacked: true,
    isWide: true,
  },
];
