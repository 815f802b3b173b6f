import { modelSizeNames } from '@berth/contracts';
import { oneOf, text } from '../options.ts';
import { defaultStepSetting, stepPrecisions, type StepSetting } from './step-setting.ts';
import { stepTasks } from './step-task.ts';

/** What decides the step that is measured, on a command line. */
export const stepOptions = {
  task: text('pretraining'),
  model: text('mini'),
  precision: text('fp32'),
  optimizer: text('adamw'),
  device: text('cpu'),
  threads: text('2'),
  batch: text('8'),
  ranks: text('1'),
  seq: text('128'),
  predictions: text('20'),
  shortest: text('1'),
} as const;

type StepValues = Readonly<Record<keyof typeof stepOptions, string>>;

/** @throws RangeError that names the option */
export function stepSettingOf(values: StepValues): StepSetting {
  return {
    ...defaultStepSetting,
    task: oneOf('task', values.task, stepTasks),
    size: oneOf('model', values.model, modelSizeNames),
    precision: oneOf('precision', values.precision, stepPrecisions),
    optimizer: oneOf('optimizer', values.optimizer, ['adamw', 'lamb']),
    device: oneOf('device', values.device, ['cpu', 'gpu']),
    numThreads: Number(values.threads),
    batchSize: Number(values.batch),
    virtualRanks: Number(values.ranks),
    maxSeqLength: Number(values.seq),
    maxPredictions: Number(values.predictions),
    shortestRatio: Number(values.shortest),
  };
}

/** The same options for another process. */
export function stepArguments(values: StepValues): string[] {
  return (Object.keys(stepOptions) as (keyof StepValues)[]).flatMap((name) => [
    `--${name}`,
    values[name],
  ]);
}
