import type { Readable } from 'node:stream';

const numLines = 20;
const maxLength = 500;

/**
 * What a process wrote last on standard error that is no log line of its own: a native library's fatal message, or a
 * stack trace of Node's.
 */
export class LastWords {
  #lines: string[] = [];
  #rest = '';

  listenTo(stream: Readable): void {
    stream.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
  }

  /** At most 20 lines, oldest first. */
  get lines(): readonly string[] {
    return this.#keep([this.#rest]);
  }

  #hear(text: string): void {
    const lines = `${this.#rest}${text}`.split('\n');
    this.#rest = (lines.pop() ?? '').slice(-maxLength);
    this.#lines = this.#keep(lines);
  }

  #keep(lines: readonly string[]): string[] {
    const words = lines.filter((line) => line.trim() !== '' && !line.startsWith('{"time":'));
    return [...this.#lines, ...words.map((line) => line.slice(0, maxLength))].slice(-numLines);
  }
}

const telling = /check failed|error|fatal|terminate called|bad_alloc|out of memory/i;

/** The line that best says why a process ended: stack traces come after it. */
export function mostTelling(lines: readonly string[]): string | undefined {
  return lines.findLast((line) => telling.test(line)) ?? lines.at(-1);
}
