import { BerthError } from '../../errors.ts';
import { labelsOf, type FineTuning } from './fine-tuning.ts';

/**
 * A head goes on only as what it was: its rows are labels, in their order.
 * @throws BerthError `CHECKPOINT_MISMATCH` naming what both are for
 */
export function requireSameHead(stored: FineTuning, begun: FineTuning): void {
  const labels = [stored, begun].map((one) => JSON.stringify(labelsOf(one)));
  if (stored.kind === begun.kind && labels[0] === labels[1]) return;
  throw new BerthError(
    'CHECKPOINT_MISMATCH',
    `The model to begin with is fine-tuned for ${describe(stored)}, this run is for ${describe(begun)}: to go on with its head ` +
      'give the run the same labels in the same order; or leave its head (init.newHead: true)',
  );
}

const maxShown = 20;

function describe(fineTuning: FineTuning): string {
  const labels = labelsOf(fineTuning);
  if (labels.length === 0) return fineTuning.kind;
  const shown = labels.slice(0, maxShown).map((label) => JSON.stringify(label));
  const more = labels.length > maxShown ? `, … (${labels.length})` : '';
  return `${fineTuning.kind} with the labels ${shown.join(', ')}${more}`;
}
