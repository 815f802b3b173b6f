/** One message of a stream of server-sent events; without data it only tells where the stream is. */
export interface SseMessage {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Splits the text of a stream, in whatever pieces it comes, into messages; comments are dropped. */
export class SseParser {
  #rest = '';
  #id: string | undefined;
  #event = '';
  #data: string[] = [];

  /** The messages that this piece completes. */
  push(text: string): SseMessage[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.#readLine(line) ?? []);
  }

  #readLine(line: string): SseMessage | undefined {
    if (line === '') return this.#finish();
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'id') this.#id = value;
    if (field === 'event') this.#event = value;
    if (field === 'data') this.#data.push(value);
    return undefined;
  }

  #finish(): SseMessage | undefined {
    const message = { id: this.#id, event: this.#event, data: this.#data.join('\n') };
    this.#id = undefined;
    this.#event = '';
    this.#data = [];
    return message.data === '' && message.id === undefined ? undefined : message;
  }
}
