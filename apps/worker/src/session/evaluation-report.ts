import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  orAborted,
  type FineTuningSection,
  type LabelledDataset,
  type Logger,
  type ObjectStore,
} from '@berth/contracts';
import { readDatasetHeldOutRows, type HeldOutRow } from '@berth/data';
import { createReportMeter, type ReportMeter } from '@berth/training';

/** Makes meters for the evaluations of a fine-tuning; the rows that they tell of are read once. */
export function reportMeterOf(
  store: ObjectStore,
  dataset: LabelledDataset,
  task: FineTuningSection | undefined,
): (signal: AbortSignal) => Promise<ReportMeter> {
  let rows: Promise<readonly HeldOutRow[]> | undefined;
  const { numBest, maxAnswerLength } = task ?? {};
  const settings = {
    ...(numBest !== undefined && { numBest }),
    ...(maxAnswerLength !== undefined && { maxAnswerLength }),
  };
  return async (signal) => {
    rows ??= readDatasetHeldOutRows(store, dataset);
    rows.catch(() => (rows = undefined));
    return createReportMeter(dataset.fineTuning, await orAborted(rows, signal), settings);
  };
}

/** Training goes on then; what is not stored yet is stored later. */
const patienceMs = 5_000;
const againMs = 1_000;

/**
 * Stores something small, after an outage if need be, without holding training up for long; what is the last of a run is waited
 * for, as nobody would store it once the run is over. Never rejects.
 */
export async function storeInTime(
  put: () => Promise<void>,
  {
    isLast,
    signal,
    logger,
  }: { readonly isLast: boolean; readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  const storing = async (): Promise<void> => {
    for (let hasTold = false; !signal.aborted;)
      try {
        await put();
        return;
      } catch (error) {
        if (!hasTold)
          logger.warn('The report of an evaluation waits for the bucket', {
            error: errorToWire(error),
          });
        hasTold = true;
        await sleep(againMs, undefined, { signal }).catch(() => undefined);
      }
  };
  if (isLast) return storing();
  const late = new AbortController();
  await Promise.race([
    storing(),
    sleep(patienceMs, undefined, { signal: late.signal }).catch(() => undefined),
  ]);
  late.abort();
}
