import { isFinal, taskOfRun, type RunStatusReport } from '@berth/contracts';
import { fitLine, type LinePart } from './fit-line.ts';
import { chosenMetric } from './best-text.ts';
import { formatDuration } from '@berth/launch';
import { fixed, formatCount, formatShortCount, formatShortDuration } from './format.ts';

/**
 * One line on a run: `running  step 120/400  30%  train loss 7.213  held-out 6.951  12,345 tok/s  ETA 3m 10s`. What does not
 * fit goes, and last of all the step, the share done, the loss, the time that is left and the speed.
 * @param width - characters that there is room for
 */
export function progressLine(report: RunStatusReport, width = Infinity): string {
  const { run, step } = report;
  const isTraining = run.status === 'running' || run.status === 'degraded';
  const status = besides(run.status, isTraining ? 6 : 0);
  if (!isTraining && step === 0)
    return fitLine([status, { ...besides(run.reason, 9), isEssential: true }], width);
  return fitLine(
    [status, ...numbersOf(report, isTraining), ...whoOrWhy(report, isTraining)],
    width,
  );
}

function numbersOf(report: RunStatusReport, isTraining: boolean): LinePart[] {
  const { run, step, numSteps, last, lastEval, tokensPerSecond, etaMs, phase } = report;
  const parts = [
    essential(`step ${step}/${numSteps}`, `${step}/${numSteps}`, 20),
    essential(`${Math.floor((100 * step) / numSteps)}%`, undefined, 19),
  ];
  if (phase !== undefined) parts.push(besides(`phase ${phase.number}/${phase.numPhases}`, 12));
  if (last !== null)
    parts.push(essential(`train loss ${last.loss.toFixed(3)}`, `loss ${last.loss.toFixed(2)}`, 18));
  if (lastEval !== null) {
    parts.push(besides(`held-out ${lastEval.loss.toFixed(3)}`, 8));
    const shown = chosenMetric(run);
    if (shown !== undefined) parts.push(besides(`${shown.name} ${fixed(lastEval, shown.name)}`, 7));
  }
  if (last !== null) {
    const { losses } = taskOfRun(run);
    losses.forEach(({ abbreviation, name }, index) =>
      parts.push(besides(`${abbreviation} ${fixed(last, `${name}_loss`)}`, 1 - index)),
    );
    if (last.learningRate !== undefined)
      parts.push(besides(`lr ${last.learningRate.toExponential(1)}`, 3));
  }
  if (tokensPerSecond !== null) {
    const short = `${formatShortCount(tokensPerSecond)}/s`;
    parts.push(essential(`${formatCount(tokensPerSecond)} tok/s`, short, 16));
  }
  if (etaMs !== null && isTraining && step < numSteps) {
    const short = `ETA ${formatShortDuration(etaMs)}`;
    parts.push(essential(`ETA ${formatDuration(etaMs)}`, short, 17));
  }
  return parts;
}

/** Who trains; where not all do that are wanted, or no step is under way, what the run says of it. */
function whoOrWhy({ run, view, step, numSteps }: RunStatusReport, isTraining: boolean): LinePart[] {
  if (isFinal(run.status)) return [];
  const numMembers = view?.members.length ?? 0;
  const isAll = numMembers >= run.config.cluster.numWorkers;
  if (isTraining && isAll && step > 0 && step < numSteps)
    return [besides(`${numMembers} worker${numMembers === 1 ? '' : 's'}`, 2)];
  return [besides(run.reason, isTraining ? 4 : 9)];
}

function essential(text: string, short: string | undefined, rank: number): LinePart {
  return { text, short: short ?? text, rank, isEssential: true };
}

function besides(text: string, rank: number): LinePart {
  return { text, short: text, rank, isEssential: false };
}

/**
 * Shows the state of a run as it changes: one redrawn line on a terminal, elsewhere a plain line at most every
 * `plainEveryMs`, and at once when the run does something else.
 */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #plainEveryMs: number;
  #lastShownMs = 0;
  #lastPhase = '';
  #drawn = false;

  constructor(stream: NodeJS.WriteStream, plainEveryMs = 10_000) {
    this.#stream = stream;
    this.#plainEveryMs = plainEveryMs;
  }

  show(report: RunStatusReport, nowMs: number): void {
    if (this.#stream.isTTY) {
      const line = progressLine(report, Math.max(20, this.#stream.columns - 1));
      this.#stream.write(`\r\u001B[2K${line}`);
      this.#drawn = true;
      return;
    }
    const phase = phaseOf(report);
    if (phase === this.#lastPhase && nowMs - this.#lastShownMs < this.#plainEveryMs) return;
    this.#lastShownMs = nowMs;
    this.#lastPhase = phase;
    this.#stream.write(`${progressLine(report)}\n`);
  }

  /** Leaves the terminal on a fresh line. */
  end(): void {
    if (this.#drawn) this.#stream.write('\n');
    this.#drawn = false;
  }
}

/** What a run is at: its status and, before its first step and after its last, its stage or its reason without the numbers. */
function phaseOf({ run, step, numSteps, preparation }: RunStatusReport): string {
  if (step > 0 && step < numSteps) return run.status;
  const active = preparation?.stages.find(({ state }) => state === 'active');
  if (active !== undefined) return `${run.status} ${active.stage}`;
  return `${run.status} ${run.reason.replaceAll(/[\d.,]+/g, '')}`;
}
