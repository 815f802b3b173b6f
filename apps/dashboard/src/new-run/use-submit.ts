import { useSignal } from '@preact/signals';
import { api, ApiError } from '../api/client.ts';
import { navigate, pathOfRun } from '../router.ts';
import { takeReport } from '../state/live.ts';
import { toast } from '../state/toasts.ts';

interface Submit {
  readonly isBusy: boolean;
  /** Why the coordinator did not take it, in its words. */
  readonly refusal: string | null;
  readonly forget: () => void;
  /** Submits a config, and goes to the page of its run if that is taken. */
  readonly submit: (config: unknown) => Promise<void>;
}

/** Submits what a form says, one at a time. */
export function useSubmit(onDone: () => void): Submit {
  const refusal = useSignal<string | null>(null);
  const isBusy = useSignal(false);
  return {
    isBusy: isBusy.value,
    refusal: refusal.value,
    forget: () => (refusal.value = null),
    async submit(config) {
      if (isBusy.value) return;
      isBusy.value = true;
      try {
        const report = await api.submit(config);
        takeReport(report);
        onDone();
        toast('good', `${report.run.config.name} is queued`);
        navigate(pathOfRun(report.run.runId));
      } catch (error) {
        refusal.value = error instanceof ApiError ? error.message : String(error);
      }
      isBusy.value = false;
    },
  };
}
