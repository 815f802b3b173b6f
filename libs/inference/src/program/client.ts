import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import {
  BerthError,
  errorFromWire,
  type InferenceKind,
  type InferenceRequest,
  type InferenceResult,
} from '@berth/contracts';
import type { Answer, Opening, Question } from './messages.ts';

export interface InferenceOptions extends Opening {
  /** A process that nothing is asked of for so long ends, and another is started for the next question. @defaultValue never */
  readonly idleMs?: number;
}

export interface AskOptions {
  /** A process that has not answered by then is ended, with all that it was asked. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Trained models in a process of their own, which is started by the first question: TensorFlow is loaded there, at low priority,
 * and whoever asks has no part in it.
 */
export interface InferenceProcess {
  /**
   * @throws BerthError `MODEL_INPUT_INVALID`, `MODEL_UNSUITABLE` and what else the process answers; `WORKER_TIMEOUT`;
   * `WORKER_LOST` when it ends
   */
  ask<R extends InferenceRequest>(
    request: R,
    options: AskOptions,
  ): Promise<InferenceResult<R['kind']>>;
  /** Ends the process; what it still was asked fails. */
  close(): void;
}

interface Pending {
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: Error) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly pending: Map<number, Pending>;
}

/** What of its standard error is told when it ends. */
const numLastCharacters = 500;
const numHeldCharacters = 10_000;

export function createInferenceProcess({ idleMs, ...opening }: InferenceOptions): InferenceProcess {
  let running: Running | undefined;
  let nextId = 0;
  let idleTimer: NodeJS.Timeout | undefined;

  const end = (ended: Running, error: BerthError): void => {
    if (running === ended) running = undefined;
    clearTimeout(idleTimer);
    ended.child.kill('SIGKILL');
    for (const { reject } of ended.pending.values()) reject(error);
    ended.pending.clear();
  };

  const start = (): Running => {
    const child = fork(fileURLToPath(import.meta.resolve('@berth/inference/program')), [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
      execArgv: [],
      // In a process group of its own: Ctrl-C is for whoever asks.
      detached: true,
    });
    const started: Running = { child, pending: new Map() };
    let lastWords = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      lastWords = (lastWords + chunk.toString()).slice(-numHeldCharacters);
    });
    child.on('message', (answer: Answer) => {
      const asked = started.pending.get(answer.id);
      started.pending.delete(answer.id);
      if ('error' in answer) asked?.reject(errorFromWire(answer.error));
      else asked?.resolve(answer.result);
      if (started.pending.size === 0) rest(started);
    });
    child.on('error', (error) => end(started, lost(error.message)));
    child.on('exit', (code, signal) =>
      end(started, lost(`ended with ${signal ?? `code ${code}`}${whyOf(lastWords)}; ask again`)),
    );
    child.send(opening satisfies Opening);
    return started;
  };

  /** What is not asked keeps no memory, and no program from its end. */
  const rest = (idle: Running): void => {
    clearTimeout(idleTimer);
    if (idleMs === undefined) return;
    idleTimer = setTimeout(() => end(idle, lost('was not needed')), idleMs);
    idleTimer.unref();
  };

  return {
    ask: (request, { timeoutMs, signal }) => {
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      const asked = (running ??= start());
      clearTimeout(idleTimer);
      const id = nextId++;
      return new Promise((resolve, reject) => {
        const giveUp = (): void => end(asked, tooSlow(request.kind, timeoutMs));
        const timer = setTimeout(giveUp, timeoutMs);
        const abort = (): void => end(asked, lost('was ended: nobody waits for it any more'));
        signal?.addEventListener('abort', abort, { once: true });
        const settle = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', abort);
        };
        asked.pending.set(id, {
          resolve: (result) => {
            settle();
            resolve(result as never);
          },
          reject: (error) => {
            settle();
            reject(error);
          },
        });
        asked.child.send({ id, request } satisfies Question);
      });
    },
    close() {
      if (running !== undefined) end(running, lost('was closed'));
    },
  };
}

/** Without what TensorFlow says whenever it starts. */
const noise = /^(WARNING: All log messages before|[IW]\d{4} ).*$/gm;

function whyOf(lastWords: string): string {
  const words = lastWords.replaceAll(noise, '').trim();
  return words === '' ? '' : `: ${words.slice(-numLastCharacters)}`;
}

function tooSlow(kind: InferenceKind, timeoutMs: number): BerthError {
  return new BerthError(
    'WORKER_TIMEOUT',
    `The process that uses models has not answered ${kind} within ${Math.round(timeoutMs / 1_000)} s; it was ended`,
    { details: { kind } },
  );
}

function lost(why: string): BerthError {
  return new BerthError('WORKER_LOST', `The process that uses models ${why}`);
}
