import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  errorFromWire,
  isBerthError,
  toBerthError,
  type WireError,
} from '@berth/contracts';
import { LastWords, mostTelling } from './last-words.ts';
import { LogFile } from './log-file.ts';

export interface SupervisedOptions {
  /** Also the name of its log file. */
  readonly name: string;
  /** JavaScript file to run. */
  readonly entry: string;
  /** Beside this process's own; undefined takes away. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFolder: string;
  /** Longest wait for the process to say that it is ready. */
  readonly readyTimeoutMs: number;
  /** Told when its log cannot be written, for people. */
  readonly say: (message: string) => void;
  /** Told when the process ended by itself and is about to be started again, also before it was ever ready. */
  readonly onRestart: (exit: Exit) => void;
}

/** How a process ended that was not asked to. */
export interface Exit {
  /** For people, after its name: `ended with SIGKILL`. */
  readonly how: string;
  /** What it had said when it was ready; undefined when it never was. */
  readonly readyMessage: unknown;
  /** What it wrote last on standard error besides its log, oldest first. */
  readonly lastWords: readonly string[];
}

const restartDelayMs = 500;
/** A process that ends so often before it is ready ever will. */
const maxFirstStarts = 3;
/** Above the grace period of workers. */
const stopGraceMs = 30_000;
const lastWordsMs = 50;

/**
 * A child process kept alive: started again when it dies, stopped with SIGTERM then SIGKILL. It ends by itself
 * when this process does, because its IPC channel closes.
 */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #log: LogFile;
  #child: ChildProcess | undefined;
  #readyMessage: unknown;
  #stopping = false;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.#log = new LogFile(join(options.logFolder, `${options.name}.log`), options.say);
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What the process that runs now said when it was ready; undefined before that. */
  get readyMessage(): unknown {
    return this.#readyMessage;
  }

  /**
   * Starts the process and waits for its first message. One that dies before that is started again, as it would be later.
   * @throws BerthError the one that the process reports, or `WORKER_LOST` when it ends or stays silent again and again
   */
  async start(): Promise<void> {
    for (let numStarts = 1; ; numStarts++)
      try {
        await this.#startOnce();
        return;
      } catch (error) {
        const isDeath = isBerthError(error) && error.code === 'WORKER_LOST';
        if (!isDeath || this.#stopping || numStarts === maxFirstStarts) throw error;
        this.#options.onRestart(failedStart(error));
        await sleep(restartDelayMs);
        if (this.#stopping) throw error;
      }
  }

  #startOnce(): Promise<unknown> {
    const { name, entry, env, readyTimeoutMs } = this.#options;
    const child = fork(entry, [], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      // In a process group of its own: Ctrl-C is for this process, which ends its children in order.
      detached: true,
    });
    this.#child = child;
    if (child.stdout !== null) this.#log.take(child.stdout);
    if (child.stderr !== null) this.#log.take(child.stderr);
    const words = new LastWords();
    if (child.stderr !== null) words.listenTo(child.stderr);
    const where = `see ${this.#log.path}`;
    return new Promise((resolve, reject) => {
      const fail = (how: string): void =>
        reject(new BerthError('WORKER_LOST', `${name} ${how}; ${where}`, { details: { how } }));
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        fail(`was not ready within ${readyTimeoutMs} ms`);
      }, readyTimeoutMs);
      let ready = false;
      child.once('error', (error) => {
        clearTimeout(timer);
        fail(`cannot be started: ${error.message}`);
      });
      child.once('message', (message) => {
        ready = !isFailure(message);
        clearTimeout(timer);
        if (isFailure(message)) reject(errorFromWire(message.error));
        else {
          this.#readyMessage = message;
          resolve(message);
        }
      });
      child.once('exit', (code, signal) => {
        const readyMessage = ready ? this.#readyMessage : undefined;
        clearTimeout(timer);
        this.#readyMessage = undefined;
        const how = `ended with ${signal ?? `code ${code}`}`;
        // What it wrote last may still be on its way.
        setTimeout(() => {
          const lastWords = words.lines;
          const why = mostTelling(lastWords);
          const last = why === undefined ? '' : `: ${why}`;
          if (!ready) fail(`${how}${last}`);
          else if (!this.#stopping) this.#restart({ how, readyMessage, lastWords });
        }, lastWordsMs);
      });
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopGraceMs);
      await ended;
      clearTimeout(timer);
    }
    await this.#log.close();
  }

  #restart(exit: Exit): void {
    this.#options.onRestart(exit);
    this.#restartTimer = setTimeout(() => {
      this.#startOnce().catch((error: unknown) => {
        if (this.#stopping) return;
        this.#restart(failedStart(error));
      });
    }, restartDelayMs);
  }
}

function failedStart(error: unknown): Exit {
  const { message, details } = toBerthError(error);
  return { how: String(details['how'] ?? message), readyMessage: undefined, lastWords: [] };
}

/** What a process sends that could not start. */
function isFailure(message: unknown): message is { readonly error: WireError } {
  return typeof message === 'object' && message !== null && 'error' in message;
}
