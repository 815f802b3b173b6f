import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, errorToWire, type Logger, type MetricsLine } from '@berth/contracts';

/** Where Kubeflow Trainer takes the status of a TrainJob, as it tells its pods. */
export interface TrainerPlace {
  readonly url: string;
  /** Whose authority it is signed by; the system's when left out. */
  readonly caFile: string | undefined;
  /** Holds the token of the pod, which changes. */
  readonly tokenFile: string | undefined;
}

/** As the field `trainerStatus` of a TrainJob has it. */
export interface TrainerStatus {
  readonly progressPercentage: number;
  readonly estimatedRemainingSeconds?: number;
  readonly metrics: readonly { readonly name: string; readonly value: string }[];
  readonly lastUpdatedTime: string;
}

/** What is known of a run from its metrics lines. */
export interface Progress {
  readonly numDone: number;
  readonly numSteps: number;
  readonly step?: MetricsLine | undefined;
  readonly evaluation?: MetricsLine | undefined;
  /** What a step took lately, in milliseconds. */
  readonly stepMs?: number | undefined;
}

/** Weight of what was known before. */
const smoothing = 0.9;

/** Pure. @param line - the newest; one of before the last step known says nothing of the pace */
export function afterLine(
  before: Progress | undefined,
  line: MetricsLine,
  numSteps: number,
): Progress {
  const { numDone = 0, step, evaluation, stepMs } = before ?? {};
  if (line.kind === 'eval') return { ...before, numDone, numSteps, evaluation: line };
  const taken = step === undefined ? 0 : line.step - step.step;
  const ms = taken > 0 ? (line.timeMs - step!.timeMs) / taken : stepMs;
  const pace =
    stepMs === undefined || ms === undefined ? ms : smoothing * stepMs + (1 - smoothing) * ms;
  // A line's step counts from 0.
  return { numDone: line.step + 1, numSteps, step: line, evaluation, stepMs: pace };
}

/** Pure. What a TrainJob is told of a run. */
export function trainerStatusOf(
  { numDone, numSteps, step, evaluation, stepMs }: Progress,
  now: Date,
): TrainerStatus {
  const remaining =
    stepMs === undefined ? undefined : Math.round(((numSteps - numDone) * stepMs) / 1000);
  const metrics = [...metricsOf(step, ''), ...metricsOf(evaluation, 'eval_')];
  return {
    progressPercentage: Math.floor((100 * numDone) / numSteps),
    ...(remaining !== undefined && { estimatedRemainingSeconds: remaining }),
    metrics,
    lastUpdatedTime: now.toISOString(),
  };
}

/** Of a line what is no metric, or is told otherwise. */
const notMetrics = new Set(['kind', 'attempt', 'step', 'timeMs', 'numTokens']);

function metricsOf(line: MetricsLine | undefined, prefix: string): TrainerStatus['metrics'] {
  return Object.entries(line ?? {})
    .filter(([name, value]) => typeof value === 'number' && !notMetrics.has(name))
    .map(([name, value]) => ({ name: `${prefix}${name}`, value: String(value) }));
}

export interface TrainerStatusOptions {
  /** Least time from one report to the next. @defaultValue 5 s, as Kubeflow's own clients */
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
}

/**
 * Tells Kubeflow Trainer how far a run is, with the newest that is known, now and then. Training never waits for it, and where it does not
 * answer the next report is the next try.
 */
export class TrainerStatusReport {
  readonly #place: TrainerPlace;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  #progress: Progress | undefined;
  #isNew = false;
  /** What is sent next is the last. */
  #isLast = false;
  #hasFailed = false;
  #sending: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(
    place: TrainerPlace,
    logger: Logger,
    { intervalMs = 5_000, timeoutMs = 5_000 }: TrainerStatusOptions = {},
  ) {
    this.#place = place;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#timeoutMs = timeoutMs;
  }

  tell(line: MetricsLine, numSteps: number): void {
    this.#progress = afterLine(this.#progress, line, numSteps);
    this.#isNew = true;
    if (!this.#closing.signal.aborted) this.#sending ??= this.#send();
  }

  /** Tells the end of a run that is done, if that is not told yet; of one that goes on others tell. */
  async close(): Promise<void> {
    const { numDone = 0, numSteps = 1 } = this.#progress ?? {};
    this.#isLast = this.#isNew && numDone === numSteps;
    if (!this.#isLast) this.#closing.abort();
    await this.#sending;
    this.#closing.abort();
  }

  /** Until there is nothing new. */
  async #send(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#isNew && !signal.aborted) {
      this.#isNew = false;
      await this.#post(trainerStatusOf(this.#progress!, new Date()));
      if (this.#isLast && !this.#isNew) break;
      await sleep(this.#intervalMs, undefined, { signal }).catch(() => undefined);
    }
    this.#sending = undefined;
  }

  async #post(trainerStatus: TrainerStatus): Promise<void> {
    try {
      await post(this.#place, JSON.stringify({ trainerStatus }), this.#timeoutMs);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed)
        this.#logger.warn('Kubeflow Trainer is not told how far the run is', {
          error: errorToWire(error),
        });
      this.#hasFailed = true;
    }
  }
}

/** @throws BerthError `COORDINATOR_UNREACHABLE` with what the server says; what reading the files throws */
async function post(
  { url, caFile, tokenFile }: TrainerPlace,
  body: string,
  timeoutMs: number,
): Promise<void> {
  // Read each time: both are renewed while the pod runs.
  const [ca, token] = await Promise.all([textOf(caFile), textOf(tokenFile)]);
  const signal = AbortSignal.timeout(timeoutMs);
  await new Promise<void>((resolve, reject) => {
    const sent = request(url, {
      method: 'POST',
      signal,
      agent: false,
      ...(ca !== undefined && { ca }),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }),
      },
    });
    sent.once('error', reject);
    sent.once('response', (response) => {
      const { statusCode = 0 } = response;
      response.resume().once('error', reject);
      response.once('end', () => {
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new BerthError('COORDINATOR_UNREACHABLE', `${url} answers ${statusCode}`));
      });
    });
    sent.end(body);
  });
}

async function textOf(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readFile(file, 'utf8');
}
