import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Dialog } from '../components/dialog.tsx';
import { FineTuneForm } from './fine-tune-form.tsx';
import { PreTrainForm } from './pre-train-form.tsx';

const kinds = { 'pre-train': 'Pre-train on text', 'fine-tune': 'Fine-tune on labels' } as const;

export interface NewRunProps {
  readonly onClose: () => void;
  /** The model to fine-tune, as `init.from` names it. */
  readonly from?: string;
}

/** Forms that start a run. */
export function NewRunDialog({ onClose, from }: NewRunProps): JSX.Element {
  const kind = useSignal<keyof typeof kinds>(from === undefined ? 'pre-train' : 'fine-tune');
  return (
    <Dialog title="New run" onClose={onClose} isWide>
      <div class="segments run-kind" role="group" aria-label="What the run does">
        {(Object.keys(kinds) as (keyof typeof kinds)[]).map((name) => (
          <button
            type="button"
            key={name}
            data-kind={name}
            aria-pressed={kind.value === name}
            onClick={() => (kind.value = name)}
          >
            {kinds[name]}
          </button>
        ))}
      </div>
      {kind.value === 'pre-train' ? (
        <PreTrainForm onClose={onClose} />
      ) : (
        <FineTuneForm onClose={onClose} from={from ?? ''} />
      )}
    </Dialog>
  );
}
