import { useState } from 'preact/hooks';
import type { JSX } from 'preact';
import type { CheckpointReport, ExportAnswer } from '@berth/contracts';
import { api } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { Command } from '../components/parts.tsx';
import { formatBytes, formatCount } from '../format.ts';

type State = 'idle' | 'writing' | { readonly problem: string } | ExportAnswer;

/** Gets a checkpoint where Python opens it: into the bucket by a button, elsewhere by commands. */
export function ExportDialog(props: {
  readonly runId: string;
  readonly checkpoint: CheckpointReport;
  readonly onClose: () => void;
}): JSX.Element {
  const { runId, checkpoint, onClose } = props;
  const { step } = checkpoint;
  const what = `${runId}@${step}`;
  const [state, setState] = useState<State>('idle');
  const write = async (): Promise<void> => {
    setState('writing');
    try {
      setState(await api.exportRun(runId, { checkpoint: step }));
    } catch (error) {
      setState({ problem: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <Dialog title={`Export step ${formatCount(step)}`} onClose={onClose}>
      <p class="muted">
        A folder that transformers, tokenizers and sentence-transformers open, into the bucket of
        the run:
      </p>
      <div>
        <Button
          look="primary"
          name="export-into-bucket"
          isBusy={state === 'writing'}
          onClick={() => void write()}
        >
          {state === 'writing' ? 'Writing…' : 'Export into the bucket'}
        </Button>
      </div>
      <div aria-live="polite">
        {typeof state === 'object' && 'problem' in state && <p role="alert">{state.problem}</p>}
        {typeof state === 'object' && 'place' in state && <Written answer={state} name={what} />}
      </div>
      <p class="muted">Or into a folder, where the command runs:</p>
      <Command text={`berth export ${what} --to ${runId}-${step}`} />
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

function Written({
  answer: { place, files, sizeBytes, sha256, architecture },
  name,
}: {
  readonly answer: ExportAnswer;
  readonly name: string;
}): JSX.Element {
  const folder = name.replace('@', '-');
  return (
    <>
      <p>
        {formatCount(files.length)} files, {formatBytes(sizeBytes)}, are in {place}. SHA-256 of
        model.safetensors: <code title={sha256}>{sha256.slice(0, 16)}…</code>
      </p>
      <p class="muted">
        To copy it, with the bucket’s keys and, where it is not one of AWS, AWS_ENDPOINT_URL_S3:
      </p>
      <Command text={`aws s3 sync ${place} ${folder}`} />
      <Command
        text={`python3 -c "from transformers import ${architecture}; ${architecture}.from_pretrained('${folder}')"`}
      />
    </>
  );
}
