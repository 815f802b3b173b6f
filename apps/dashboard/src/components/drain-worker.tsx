import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { WorkerReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { toast } from '../state/toasts.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';

/** Tells a worker to leave, once that is confirmed. */
export function DrainWorker({ worker }: { worker: WorkerReport }): JSX.Element {
  const { memberId, state } = worker;
  const isAsked = useSignal(false);
  const isBusy = useSignal(false);
  const drain = async (): Promise<void> => {
    isAsked.value = false;
    isBusy.value = true;
    try {
      const { reason } = await api.drain(memberId);
      toast('good', `${memberId}: ${reason}`);
    } catch (error) {
      toast('bad', error instanceof ApiError ? error.message : String(error));
    }
    isBusy.value = false;
  };
  return (
    <>
      <Button
        look="quiet"
        name="drain"
        disabledReason={
          { draining: 'It leaves already.', stale: 'It does not answer.' }[state as string]
        }
        hint="It leaves after the step under way; the others go on."
        isBusy={isBusy.value}
        onClick={() => (isAsked.value = true)}
      >
        Drain
      </Button>
      {isAsked.value && (
        <Dialog title={`Drain ${memberId}?`} onClose={() => (isAsked.value = false)}>
          <p class="muted">
            It finishes the step under way and ends; the others go on. Where there are none, the run
            waits for another and makes again what was not saved. Whatever starts workers here may
            start another in its place.
          </p>
          <div class="dialog-actions">
            <Button onClick={() => (isAsked.value = false)}>Keep it</Button>
            <Button look="danger" name="confirm-drain" onClick={() => void drain()}>
              Drain it
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}
