import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  isBerthError,
  orAborted,
  type FineTuningSection,
  type LabelledDataset,
  type Logger,
  type ObjectStore,
} from '@berth/contracts';
import { readDatasetHeldOutRows, type HeldOutRow } from '@berth/data';
import type { ExampleIndex } from '@berth/queue';
import { createReportMeter, type ReportMeter } from '@berth/training';
import { lost, throughOutages } from './example-shards.ts';

export interface ReportMeterOptions {
  readonly store: ObjectStore;
  readonly index: Pick<ExampleIndex, 'forget'>;
  readonly dataset: LabelledDataset;
  readonly task: FineTuningSection | undefined;
  /** Longest wait for rows to be there. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** Makes meters for the evaluations of a fine-tuning; the rows that they tell of are read once. */
export function reportMeterOf(
  options: ReportMeterOptions,
): (signal: AbortSignal) => Promise<ReportMeter> {
  const { dataset, task } = options;
  let rows: Promise<readonly HeldOutRow[]> | undefined;
  const { numBest, maxAnswerLength } = task ?? {};
  const settings = {
    ...(numBest !== undefined && { numBest }),
    ...(maxAnswerLength !== undefined && { maxAnswerLength }),
  };
  return async (signal) => {
    rows ??= readRows(options, signal);
    rows.catch(() => (rows = undefined));
    return createReportMeter(dataset.fineTuning, await orAborted(rows, signal), settings);
  };
}

/** Rows that are lost go out of the index with their shard: whoever supplies examples has both made again. */
async function readRows(
  { store, index, dataset, timeoutMs, logger }: ReportMeterOptions,
  signal: AbortSignal,
): Promise<readonly HeldOutRow[]> {
  const deadlineMs = performance.now() + timeoutMs;
  const { key } = dataset.heldOutRows;
  for (let hasTold = false; ; hasTold = true)
    try {
      return await throughOutages(() => readDatasetHeldOutRows(store, dataset), {
        timeoutMs,
        signal,
      });
    } catch (error) {
      const isLost = isBerthError(error) && lost.has(error.code);
      if (!isLost || performance.now() > deadlineMs) throw error;
      if (!hasTold)
        logger.warn('Held-out rows are lost; they are made again', {
          key,
          error: errorToWire(error),
        });
      if (error.code !== 'STORE_NOT_FOUND') await store.delete(key);
      await index.forget(dataset.heldOut);
      await sleep(againMs, undefined, { signal });
    }
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
