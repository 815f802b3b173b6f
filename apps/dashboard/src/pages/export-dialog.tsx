import type { JSX } from 'preact';
import type { CheckpointReport } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Command } from '../components/parts.tsx';
import { formatCount } from '../format.ts';

/** How a checkpoint gets where Python opens it: files are written where the command runs, not by this page. */
export function ExportDialog(props: {
  readonly runId: string;
  readonly checkpoint: CheckpointReport;
  readonly onClose: () => void;
}): JSX.Element {
  const { runId, checkpoint, onClose } = props;
  const what = `${runId}@${checkpoint.step}`;
  return (
    <Dialog title={`Export step ${formatCount(checkpoint.step)}`} onClose={onClose}>
      <p class="muted">A folder that transformers, tokenizers and sentence-transformers open:</p>
      <Command text={`berth export ${what} --to ${runId}-${checkpoint.step}`} />
      <p class="muted">
        Or a repository of yours on the Hugging Face Hub, with a token in HF_TOKEN:
      </p>
      <Command text={`berth push ${what} OWNER/NAME --create`} />
      <div class="dialog-actions">
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}
