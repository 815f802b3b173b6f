import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { FineTuningReport } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';

interface ReadReport {
  /** The one that was read last; of another step while the one that is wanted is read. */
  readonly report: { readonly step: number; readonly of: FineTuningReport } | null;
  readonly isReading: boolean;
  readonly problem: string | null;
  readonly again: () => void;
}

/** The report of an evaluation, read when its step is asked for. */
export function useReport(runId: string, step: number): ReadReport {
  const report = useSignal<ReadReport['report']>(null);
  const isReading = useSignal(true);
  const problem = useSignal<string | null>(null);
  const numReads = useSignal(0);
  useEffect(() => {
    let isWanted = true;
    isReading.value = true;
    const read = async (): Promise<void> => {
      let found: FineTuningReport | null = null;
      let why: string | null = null;
      try {
        found = await api.evaluation(runId, step);
      } catch (error) {
        why = error instanceof ApiError ? error.message : String(error);
      }
      if (!isWanted) return;
      if (found !== null) report.value = { step, of: found };
      problem.value = why;
      isReading.value = false;
    };
    void read();
    return () => {
      isWanted = false;
    };
  }, [runId, step, numReads.value]);
  return {
    report: report.value,
    isReading: isReading.value,
    problem: problem.value,
    again: () => void numReads.value++,
  };
}
