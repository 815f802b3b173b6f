import type { Logger } from '@berth/contracts';
import { ByteSink } from '../connections/byte-sink.ts';
import {
  type ControlChannel,
  type ControlMessage,
  encodeControl,
  type StateLabel,
  type StateMessage,
} from '../connections/control.ts';
import { protocolError } from '../connections/frame.ts';
import { compareAttempts, describeState, isSameState, labelOf } from './label.ts';
import type { StateMemory } from './memory.ts';

/** A joiner that asks for nothing for so long, or takes nothing, is gone. */
const stallTimeoutMs = 60_000;

/** A copy of a state, which must not change while it is on offer. */
export interface StateOffer {
  readonly label: StateLabel;
  readonly memory: StateMemory;
}

/** A joiner's connection. */
interface Customer {
  readonly channel: ControlChannel;
  readonly wanted: StateLabel;
}

/** A donor's end: gives slices of the state on offer to all who ask for it, while its member goes on training. */
export class StateServer {
  readonly #logger: Logger;
  readonly #customers = new Set<Customer>();
  #offer: StateOffer | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Hangs up on those who copy what was on offer before, and serves those who have waited for this. */
  offer(offer: StateOffer | undefined): void {
    const before = this.#offer;
    this.#offer = offer;
    for (const customer of this.#customers)
      if (before !== undefined && isSameState(customer.wanted, before.label))
        customer.channel.socket.destroy();
      else this.#route(customer);
  }

  /** A member asks on a connection of its own. It may be ahead: then it waits. */
  serve(channel: ControlChannel, message: StateMessage): void {
    const customer = { channel, wanted: labelOf(message) };
    const { socket } = channel;
    this.#customers.add(customer);
    socket.once('close', () => this.#customers.delete(customer));
    socket.setTimeout(stallTimeoutMs);
    const hangUp = (): void => void socket.destroy();
    channel.handOver({ message: hangUp, garbage: hangUp });
    this.#route(customer);
  }

  #route(customer: Customer): void {
    const { wanted } = customer;
    const label = this.#offer?.label;
    if (label === undefined) return;
    if (this.#offer !== undefined && isSameState(wanted, label)) this.#sell(customer, this.#offer);
    else if (wanted.runId !== label.runId || compareAttempts(wanted, label) <= 0)
      refuse(customer, `has no state of ${describeState(wanted)}, but of ${describeState(label)}`);
  }

  /** Sends one slice after the other, in the order in which they are asked for. */
  #sell({ channel }: Customer, { label, memory }: StateOffer): void {
    const { socket } = channel;
    const sink = new ByteSink(socket);
    let last = sink.write(
      encodeControl({ kind: 'offer', ...label, partLengths: memory.partLengths }),
    );
    const fail = (error: unknown): void => {
      this.#logger.debug('A copy of the state ended early', { ...label, error });
      socket.destroy();
    };
    const send = async (message: ControlMessage): Promise<void> => {
      if (message.kind !== 'slice' || !isSameState(message, label))
        throw protocolError(`was sent ${message.kind} while it gave ${describeState(label)}`);
      const slice = memory.slices[message.index];
      if (slice === undefined) throw protocolError(`has no slice ${message.index}`);
      const digest = memory.digest(slice);
      const head = encodeControl({ kind: 'piece', ...label, index: message.index, digest });
      await sink.write(head, memory.bytes(slice));
    };
    last.catch(fail);
    channel.handOver({
      message: (message) => {
        last = last.then(() => send(message));
        last.catch(fail);
      },
      garbage: fail,
    });
  }
}

function refuse({ channel }: Customer, reason: string): void {
  channel.socket.end(encodeControl({ kind: 'absent', reason }));
}
