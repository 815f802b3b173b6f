import type { Socket } from 'node:net';

interface Waiter {
  readonly memberId: string;
  readonly take: (socket: Socket) => void;
}

/** Connections that members who cannot be reached have dialled, proven themselves on, and left to whoever listens here. */
export class LentSockets {
  readonly #spare = new Map<string, Map<Socket, () => void>>();
  readonly #waiters = new Set<Waiter>();

  /** @param socket - on which its member says nothing before it is spoken to */
  add(memberId: string, socket: Socket): void {
    for (const waiter of this.#waiters)
      if (waiter.memberId === memberId) {
        this.#waiters.delete(waiter);
        return waiter.take(socket);
      }
    const ofMember = this.#spare.get(memberId) ?? new Map<Socket, () => void>();
    this.#spare.set(memberId, ofMember);
    // It flows, so that its end is seen.
    const spoke = (): void => void socket.destroy();
    const ended = (): void => {
      ofMember.delete(socket);
      if (ofMember.size === 0) this.#spare.delete(memberId);
    };
    const release = (): void => {
      ended();
      socket.off('data', spoke).off('close', ended);
    };
    ofMember.set(socket, release);
    socket.on('data', spoke).on('close', ended);
  }

  /** One that the member has lent, or lends in time; nobody else's then. @throws Error */
  async take(memberId: string, timeoutMs: number): Promise<Socket> {
    const [spare] = this.#spare.get(memberId) ?? [];
    if (spare !== undefined) {
      const [socket, release] = spare;
      release();
      return socket;
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        memberId,
        take: (socket) => {
          clearTimeout(timer);
          resolve(socket);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`it cannot be reached, and has not called within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }
}
