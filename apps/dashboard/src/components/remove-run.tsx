import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RemovalReport, RunStatusReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { formatBytes, plural } from '../format.ts';
import { navigate } from '../router.ts';
import { dropRun } from '../state/live.ts';
import { isUnderWay } from '../state/status.ts';
import { toast } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

/** The button that removes a run for good, once it has said what goes. */
export function RemoveRun({ report }: { report: RunStatusReport }): JSX.Element {
  const { runId, status } = report.run;
  const asked = useSignal<RemovalReport | null>(null);
  const isBusy = useSignal(false);
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    isBusy.value = true;
    await action().catch((error: unknown) =>
      toast('bad', error instanceof ApiError ? error.message : String(error)),
    );
    isBusy.value = false;
  };
  const remove = async (): Promise<void> => {
    asked.value = null;
    while (!(await api.remove(runId)).isDone);
    toast('good', `${runId} has been removed`);
    dropRun(runId);
    navigate('/');
  };
  return (
    <>
      <Button
        name="remove"
        icon="trash"
        disabledReason={
          isUnderWay(status) ? `it is ${status}; stop it before it is removed` : undefined
        }
        hint="Removes the run for good"
        isBusy={isBusy.value}
        onClick={() => void attempt(async () => void (asked.value = await api.removal(runId)))}
      >
        Remove
      </Button>
      {asked.value !== null && (
        <Dialog title={`Remove ${runId} for good?`} onClose={() => (asked.value = null)}>
          <ul class="muted">
            {asked.value.parts.map(({ name, numObjects, sizeBytes }) => (
              <li key={name}>
                {name}: {plural(numObjects, 'object')}, {formatBytes(sizeBytes)}
              </li>
            ))}
            <li>its record, ledger and curves in Redis</li>
            {asked.value.kept.map((what) => (
              <li key={what}>stays: {what}</li>
            ))}
          </ul>
          <div class="dialog-actions">
            <Button onClick={() => (asked.value = null)}>Keep it</Button>
            <Button
              look="danger"
              icon="trash"
              name="confirm-remove"
              onClick={() => void attempt(remove)}
            >
              Remove {runId}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
