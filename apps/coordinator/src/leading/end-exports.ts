import { pendingExport, toBerthError, type RunRecord, type ExportSection } from '@berth/contracts';
import type { Runs } from '@berth/queue';
import type { ExportOptions } from '../models/export-checkpoint.ts';

/** What passes is tried again so often, with ever longer pauses, for about two minutes. */
const maxTries = 8;
const firstPauseMs = 1_000;

interface Tries {
  readonly number: number;
  readonly notBeforeMs: number;
}

/** Exports the models of runs that are completed and ask for it, one at a time, while this coordinator leads. */
export class EndExports {
  readonly #options: ExportOptions;
  readonly #runs: Runs;
  readonly #tries = new Map<string, Tries>();
  #working: Promise<void> | undefined;

  constructor(options: ExportOptions, runs: Runs) {
    this.#options = options;
    this.#runs = runs;
  }

  /** Takes note of all records and goes to work on them; called again every second or so. Never throws. */
  note(records: readonly RunRecord[]): void {
    const next = records.find(
      (record) => pendingExport(record) !== undefined && this.#isDue(record),
    );
    if (next === undefined) return;
    this.#working ??= this.#work(next)
      .catch((error: unknown) => {
        const { runId } = next;
        this.#options.logger.warn('An export is not noted yet', { runId, error });
      })
      .finally(() => (this.#working = undefined));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await this.#working;
  }

  #isDue({ runId }: RunRecord): boolean {
    return performance.now() >= (this.#tries.get(runId)?.notBeforeMs ?? 0);
  }

  async #work(record: RunRecord): Promise<void> {
    const { runId, exported } = record;
    const pending = pendingExport(record);
    if (pending === undefined) return;
    const { as } = pending;
    // Over what an export of this run has left at that place, and nothing else.
    const isAgain = exported?.as.to === as.to && exported.state !== 'failed';
    try {
      const { exportTo, requireFreePlace } = await import('../models/export-checkpoint.ts');
      if (!isAgain) await requireFreePlace(as.to, this.#options);
      await this.#note(runId, pending, 'writing', `exporting to ${as.to}`);
      const { step, written } = await exportTo(as, this.#options, { runId, wanted: 'newest' });
      const text = `step ${step} is in ${as.to}, model.safetensors ${written.sha256}`;
      await this.#note(runId, pending, 'done', text);
    } catch (error) {
      await this.#failed(runId, pending, error);
    }
  }

  async #failed(runId: string, pending: Pending, error: unknown): Promise<void> {
    const { message, policy, code } = toBerthError(error);
    const { number } = this.#tries.get(runId) ?? { number: 0 };
    // The copy of the record, by which the run is found in the bucket, may be on its way.
    const passes = policy.retry || code === 'RUN_NOT_FOUND';
    this.#options.logger.warn('The model is not exported', { runId, to: pending.as.to, message });
    if (passes && number + 1 < maxTries) {
      const notBeforeMs = performance.now() + firstPauseMs * 2 ** number;
      this.#tries.set(runId, { number: number + 1, notBeforeMs });
      return;
    }
    this.#tries.delete(runId);
    await this.#note(runId, pending, 'failed', `the model is not in ${pending.as.to}: ${message}`);
  }

  async #note(
    runId: string,
    { as, endStep }: Pending,
    state: NonNullable<RunRecord['exported']>['state'],
    text: string,
  ): Promise<void> {
    await this.#runs.change(runId, (now) => {
      const isWanted = pendingExport({ ...now, exported: undefined })?.endStep === endStep;
      // Who led before may fail late: done is the last word, and failed is none for whoever goes on.
      const isDone = now.exported?.state === 'done' && pendingExport(now) === undefined;
      return isWanted && !isDone
        ? { exported: { as, endStep, state, text }, updatedAtMs: Date.now() }
        : undefined;
    });
  }
}

interface Pending {
  readonly as: ExportSection;
  readonly endStep: number;
}
