import type { RunStatusReport } from '@berth/contracts';
import { labelsOf, type FineTuning } from '@berth/contracts/constants';
import { formatCount, formatPercent, plural } from './format.ts';
import { sayValues } from './grids/grid-words.ts';
import { judgedBy } from './evaluation/steps.ts';

/** What each kind of fine-tuning says of its input. */
export const kindWords: Readonly<Record<FineTuning['kind'], string>> = {
  classify: 'a label for each text or pair',
  'classify-many': 'any of the labels for each text or pair',
  regress: 'a number for each text or pair',
  tag: 'a label for each word',
  answer: 'the answer to a question, in its context',
};

const shownLabels = 6;

/** What a fine-tuning learns and from what, as names and values; nothing of other runs. */
export function fineTuningFacts({
  config,
  labelledData,
  grid,
}: RunStatusReport['run']): readonly (readonly [string, string])[] {
  const { task, init, train } = config;
  if (task === undefined) return [];
  const labels =
    labelledData === undefined ? (task.labels ?? []) : labelsOf(labelledData.fineTuning);
  const { numTrainExamples, numHeldOutExamples } = labelledData ?? {};
  const count = (value: number | undefined, noun: string): string =>
    value === undefined ? '' : `, ${plural(value, noun)}`;
  const heldOut = task.eval ?? `${formatPercent(task.heldOutRatio ?? 0.1)} of them, held out`;
  const judge = judgedBy({ config, labelledData });
  return [
    ['Fine-tuned for', `${task.kind}: ${kindWords[task.kind]}`],
    ...(labels.length === 0 ? [] : [['Labels', sayLabels(labels)] as const]),
    ['Learns from', task.train + count(numTrainExamples, 'example')],
    ['Evaluated on', heldOut + count(numHeldOutExamples, 'example')],
    ['Began as', init === undefined ? 'nothing learnt before' : init.from],
    ['Epochs', epochsOf(train, numTrainExamples)],
    ...(grid === undefined
      ? []
      : [['Point of the grid', `${grid.point}: ${sayValues(grid.values)}`] as const]),
    ['Best by', judge?.label ?? 'the held-out loss'],
  ];
}

function sayLabels(labels: readonly string[]): string {
  const first = labels.slice(0, shownLabels).join(', ');
  const more = labels.length - shownLabels;
  return more > 0 ? `${formatCount(labels.length)}: ${first} and ${more} more` : first;
}

/** As many as the config asks for, or as its steps come to. */
function epochsOf(
  { numEpochs, numSteps, globalBatch }: RunStatusReport['run']['config']['train'],
  numExamples: number | undefined,
): string {
  if (numEpochs !== undefined) return String(numEpochs);
  if (numExamples === undefined || numExamples === 0) return 'known once the data is read';
  return String(Number(((numSteps * globalBatch) / numExamples).toPrecision(3)));
}

/** How far a run will go: in epochs, as long as nobody knows how many steps they are. */
export function lengthText({ run, numSteps }: RunStatusReport): string {
  const { numEpochs } = run.config.train;
  return numEpochs === undefined
    ? plural(numSteps, 'step')
    : `the steps of ${plural(numEpochs, 'epoch')}`;
}
