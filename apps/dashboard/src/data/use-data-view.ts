import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { DataView } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';

interface ReadView {
  readonly view: DataView | null;
  readonly problem: string | null;
  readonly again: () => void;
}

/** The look at a run's data, read when the tab is opened, and anew for another dataset. */
export function useDataView(runId: string, manifestKey: string | null): ReadView {
  const view = useSignal<DataView | null>(null);
  const problem = useSignal<string | null>(null);
  const numReads = useSignal(0);
  useEffect(() => {
    if (manifestKey === null) return undefined;
    let isWanted = true;
    problem.value = null;
    const read = async (): Promise<void> => {
      try {
        const found = await api.data(runId);
        if (isWanted) view.value = found;
      } catch (error) {
        if (isWanted) problem.value = error instanceof ApiError ? error.message : String(error);
      }
    };
    void read();
    return () => {
      isWanted = false;
    };
  }, [runId, manifestKey, numReads.value]);
  return { view: view.value, problem: problem.value, again: () => void numReads.value++ };
}
