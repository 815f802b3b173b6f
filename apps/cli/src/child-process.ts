import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { BerthError, errorFromWire, type WireError } from '@berth/contracts';
import { LastWords, mostTelling } from './last-words.ts';

export interface SupervisedOptions {
  /** Also the name of its log file. */
  readonly name: string;
  /** JavaScript file to run. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFolder: string;
  /** Longest wait for the process to say that it is ready. */
  readonly readyTimeoutMs: number;
  /** Told when the process ended by itself and is about to be started again. */
  readonly onRestart: (exit: Exit) => void;
}

/** How a process ended that was not asked to. */
export interface Exit {
  /** Its exit code or signal, for people. */
  readonly how: string;
  /** What it had said when it was ready; undefined when it never was. */
  readonly readyMessage: unknown;
  /** What it wrote last on standard error besides its log, oldest first. */
  readonly lastWords: readonly string[];
}

const restartDelayMs = 500;
const stopGraceMs = 20_000;
const lastWordsMs = 50;

/**
 * A child process kept alive: started again when it dies, stopped with SIGTERM then SIGKILL. It ends by itself
 * when this process does, because its IPC channel closes.
 */
export class Supervised {
  readonly #options: SupervisedOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #readyMessage: unknown;
  #stopping = false;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    mkdirSync(options.logFolder, { recursive: true });
    this.#log = createWriteStream(join(options.logFolder, `${options.name}.log`), { flags: 'a' });
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** What the process that runs now said when it was ready; undefined before that. */
  get readyMessage(): unknown {
    return this.#readyMessage;
  }

  /**
   * Starts the process and waits for its first message.
   * @throws BerthError the one that the process reports, or `WORKER_LOST` when it ends or stays silent before that
   */
  start(): Promise<unknown> {
    const { name, entry, env, logFolder, readyTimeoutMs } = this.#options;
    const child = fork(entry, [], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      // In a process group of its own: Ctrl-C is for this process, which ends its children in order.
      detached: true,
    });
    this.#child = child;
    child.stdout?.pipe(this.#log, { end: false });
    child.stderr?.pipe(this.#log, { end: false });
    const words = new LastWords();
    if (child.stderr !== null) words.listenTo(child.stderr);
    const where = `see ${join(logFolder, `${name}.log`)}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(
          new BerthError(
            'WORKER_LOST',
            `${name} was not ready within ${readyTimeoutMs} ms; ${where}`,
          ),
        );
      }, readyTimeoutMs);
      let ready = false;
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(new BerthError('WORKER_LOST', `${name} cannot be started: ${error.message}`));
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
        const how = signal === null ? `code ${code}` : signal;
        // What it wrote last may still be on its way.
        setTimeout(() => {
          const lastWords = words.lines;
          const why = mostTelling(lastWords);
          const last = why === undefined ? '' : `: ${why}`;
          if (!ready)
            reject(new BerthError('WORKER_LOST', `${name} ended with ${how}${last}; ${where}`));
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
    this.#log.end();
  }

  #restart(exit: Exit): void {
    this.#options.onRestart(exit);
    this.#restartTimer = setTimeout(() => {
      this.start().catch((error: unknown) => {
        if (this.#stopping) return;
        this.#restart({ how: String(error), readyMessage: undefined, lastWords: [] });
      });
    }, restartDelayMs);
  }
}

/** What a process sends that could not start. */
function isFailure(message: unknown): message is { readonly error: WireError } {
  return typeof message === 'object' && message !== null && 'error' in message;
}
