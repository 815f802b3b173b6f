import { randomUUID } from 'node:crypto';
import { existsSync, watch } from 'node:fs';
import { mkdir, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A fault that a process is to do to itself, with what it needs to know. */
export type FaultOrder = { readonly kind: string } & Readonly<Record<string, string | number>>;

export type FaultHandlers = Readonly<Record<string, (order: FaultOrder) => void | Promise<void>>>;

export interface FaultDoor {
  close(): void;
}

const pollMs = 20;

/**
 * Lets whoever may write to a folder do faults to this process which nobody can do from outside, such as a flipped bit in its
 * memory. Each order is done once, in the order of its coming; an unknown kind is reported.
 * @param folder - nobody else's: what stands there is obeyed
 */
export async function openFaultDoor(
  folder: string,
  handlers: FaultHandlers,
  onError: (error: unknown) => void,
): Promise<FaultDoor> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const prefix = `${process.pid}-`;
  let polling = Promise.resolve();
  const obey = async (name: string): Promise<void> => {
    const path = join(folder, name);
    const order = JSON.parse(await readFile(path, 'utf8')) as FaultOrder;
    const handler = handlers[order.kind];
    if (handler === undefined) throw new Error(`Nobody here does the fault ${order.kind}`);
    await handler(order);
    await unlink(path);
  };
  const poll = async (): Promise<void> => {
    const names = (await readdir(folder)).filter(
      (name) => name.startsWith(prefix) && name.endsWith('.json'),
    );
    for (const name of names.sort()) await obey(name);
  };
  const pollInTurn = (): void => void (polling = polling.then(poll).catch(onError));
  const watcher = watch(folder, { persistent: false }, pollInTurn);
  pollInTurn();
  return { close: () => watcher.close() };
}

/**
 * Orders a fault of a process that has opened its door, and waits until it is done.
 * @throws Error when it is not done in time
 */
export async function orderFault(
  folder: string,
  pid: number,
  order: FaultOrder,
  timeoutMs = 10_000,
): Promise<void> {
  const path = join(folder, `${pid}-${Date.now()}-${randomUUID()}.json`);
  await writeFile(`${path}.new`, JSON.stringify(order));
  await rename(`${path}.new`, path);
  const deadlineMs = performance.now() + timeoutMs;
  while (existsSync(path)) {
    if (performance.now() > deadlineMs)
      throw new Error(`Process ${pid} did not do ${order.kind} within ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}
