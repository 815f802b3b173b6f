import { get, type IncomingMessage } from 'node:http';
import { apiEventSchema, type ApiEvent } from '@berth/contracts';

/** A client of the event stream as a browser is one: it comes back with the id of the last whole event. */
export class EventReader {
  readonly events: ApiEvent[] = [];
  /** Signs of life that were no events. */
  numComments = 0;
  lastEventId: string | undefined;
  #response: IncomingMessage | undefined;
  readonly #url: string;
  readonly #headers: Record<string, string>;

  /** @param token - none for a server that asks for none */
  constructor(url: string, token?: string) {
    this.#url = url;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** Connects, and resolves once the answer has begun. */
  async connect(): Promise<number> {
    const headers = { ...this.#headers };
    if (this.lastEventId !== undefined) headers['last-event-id'] = this.lastEventId;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(this.#url, { headers, agent: false }, resolve).on('error', reject);
    });
    this.#response = response;
    let text = '';
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#take(text.slice(0, end));
        text = text.slice(end + 2);
      }
    });
    return response.statusCode ?? 0;
  }

  /** Breaks the connection, wherever it is. */
  cut(): void {
    this.#response?.destroy();
  }

  /** Stops reading, but stays. */
  pause(): IncomingMessage | undefined {
    return this.#response?.pause();
  }

  /** Steps of the metrics lines that came, in order. */
  get steps(): number[] {
    return this.events.flatMap((event) =>
      event.type === 'metrics' ? event.lines.map(({ step }) => step) : [],
    );
  }

  #take(message: string): void {
    if (message.startsWith(':')) this.numComments++;
    const id = /^id: (.*)$/m.exec(message)?.[1];
    if (id !== undefined) this.lastEventId = id;
    const data = /^data: (.*)$/m.exec(message)?.[1];
    if (data !== undefined) this.events.push(apiEventSchema.parse(JSON.parse(data)));
  }
}
