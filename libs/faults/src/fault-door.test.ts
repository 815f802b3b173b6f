import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFaultDoor, orderFault, type FaultOrder } from './fault-door.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fault-door-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a fault door', () => {
  it('has orders done once each, and tells when they are', async () => {
    const done: FaultOrder[] = [];
    const door = await openFaultDoor(
      folder,
      { 'state-flip': (order) => void done.push(order) },
      () => undefined,
    );
    await orderFault(folder, process.pid, { kind: 'state-flip', bit: 3 });
    await orderFault(folder, process.pid, { kind: 'state-flip', bit: 4 });
    expect(done.map(({ bit }) => bit)).toEqual([3, 4]);
    door.close();
  });

  it('leaves orders to other processes alone, and reports what it cannot do', async () => {
    const errors: unknown[] = [];
    const door = await openFaultDoor(folder, {}, (error) => void errors.push(error));
    await expect(orderFault(folder, 1, { kind: 'x' }, 50)).rejects.toThrow('did not do x');
    expect(errors).toEqual([]);
    await expect(orderFault(folder, process.pid, { kind: 'x' }, 500)).rejects.toThrow(
      'did not do x',
    );
    expect(String(errors[0])).toContain('Nobody here does the fault x');
    door.close();
  });
});
