import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { NetworkInterfaceInfo } from 'node:os';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { linkSpeed } from './link-speed.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'berth-links-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, speed: string, parts: readonly string[] = []): void {
  for (const part of ['', ...parts]) mkdirSync(join(folder, name, part), { recursive: true });
  writeFileSync(join(folder, name, 'speed'), `${speed}\n`);
}

function putBelow(upper: string, lower: string): void {
  symlinkSync(join(folder, lower), join(folder, upper, `lower_${lower}`));
}

const holding = (addresses: Record<string, string>): Record<string, NetworkInterfaceInfo[]> =>
  Object.fromEntries(
    Object.entries(addresses).map(([name, address]) => [
      name,
      [{ address } as NetworkInterfaceInfo],
    ]),
  );

function speedAt(...hosts: string[]): number | undefined {
  const interfaces = holding({
    lo: '127.0.0.1',
    eth0: '10.0.0.2',
    'eth1:7': 'fd00::2',
    veth: '10.1.0.2',
    br0: '10.2.0.2',
  });
  return linkSpeed(hosts, interfaces, folder);
}

it('is what the device says that holds the first address which the machine has', () => {
  put('eth0', '1000', ['device']);
  put('eth1', '25000', ['device']);
  expect(speedAt('10.0.0.2', '[fd00::2]')).toBe(1e9);
  expect(speedAt('nat.example', '[fd00::2]')).toBe(25e9);
});

it('is not known where the device knows none, nor from one that is made up', () => {
  put('eth0', '-1', ['device']);
  put('veth', '10000');
  put('lo', '0');
  expect(
    ['10.0.0.2', '10.1.0.2', '127.0.0.1', '10.9.9.9', 'fd00::2'].map((at) => speedAt(at)),
  ).toEqual(Array(5).fill(undefined));
});

it('is that of the device below a bridge, whatever is plugged in besides', () => {
  put('eth0', '1000', ['device']);
  put('veth', '10000');
  put('br0', '10000');
  putBelow('br0', 'eth0');
  putBelow('br0', 'veth');
  expect(speedAt('10.2.0.2')).toBe(1e9);
});
