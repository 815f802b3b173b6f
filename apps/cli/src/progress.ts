import type { RunStatusReport } from '@berth/contracts';
import { formatCount, formatDuration } from './format.ts';

/** `running  step 120/400  30%  loss 7.213  mlm 6.540  12,345 tok/s  ETA 3m 10s` */
export function progressLine(report: RunStatusReport): string {
  const { run, step, numSteps, last, tokensPerSecond, etaMs } = report;
  const parts: string[] = [run.status];
  const isTraining = run.status === 'running' || run.status === 'degraded';
  if (step === 0 && !isTraining) parts.push(run.reason);
  else parts.push(`step ${step}/${numSteps}`, `${Math.floor((100 * step) / numSteps)}%`);
  if (last !== null)
    parts.push(
      `loss ${last.loss.toFixed(3)}`,
      `mlm ${last.masked_lm_loss.toFixed(3)}`,
      `nsp ${last.next_sentence_loss.toFixed(3)}`,
    );
  if (tokensPerSecond !== null) parts.push(`${formatCount(tokensPerSecond)} tok/s`);
  if (etaMs !== null && isTraining) parts.push(`ETA ${formatDuration(etaMs)}`);
  const numMembers = report.view?.members.length;
  if (numMembers !== undefined && numMembers > 0)
    parts.push(`${numMembers} worker${numMembers === 1 ? '' : 's'}`);
  return parts.join('  ');
}

/**
 * Shows the state of a run as it changes: one redrawn line on a terminal, elsewhere a plain line at most every
 * `plainEveryMs`, and at once when the status changes.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #plainEveryMs: number;
  #lastShownMs = 0;
  #lastStatus = '';
  #drawn = false;

  constructor(stream: NodeJS.WriteStream, plainEveryMs = 10_000) {
    this.#stream = stream;
    this.#plainEveryMs = plainEveryMs;
  }

  show(report: RunStatusReport, nowMs: number): void {
    const line = progressLine(report);
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001B[2K${line.slice(0, Math.max(20, this.#stream.columns - 1))}`);
      this.#drawn = true;
      return;
    }
    const changed = report.run.status !== this.#lastStatus;
    if (!changed && nowMs - this.#lastShownMs < this.#plainEveryMs) return;
    this.#lastShownMs = nowMs;
    this.#lastStatus = report.run.status;
    this.#stream.write(`${line}\n`);
  }

  /** Leaves the terminal on a fresh line. */
  end(): void {
    if (this.#drawn) this.#stream.write('\n');
    this.#drawn = false;
  }
}
