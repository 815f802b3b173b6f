import { describe, expect, it } from 'vitest';
import { reachableAt } from './reachable-at.ts';

const entry = {
  netmask: '255.255.0.0',
  mac: '00:00:00:00:00:00',
  family: 'IPv4',
  cidr: null,
} as const;
const interfaces = {
  lo: [{ ...entry, address: '127.0.0.1', internal: true }],
  eth0: [{ ...entry, address: '172.20.0.5', internal: false }],
};

describe('reachableAt', () => {
  it('is where a process listens, when that is one address', () => {
    const address = { host: '127.0.0.1', port: 7800 };
    expect(reachableAt(address, interfaces)).toEqual(address);
  });

  it('is an address of the machine when it listens everywhere', () => {
    const everywhere = { host: '0.0.0.0', port: 7800 };
    expect(reachableAt(everywhere, interfaces)).toEqual({ host: '172.20.0.5', port: 7800 });
    expect(reachableAt(everywhere, {})).toEqual({ host: '127.0.0.1', port: 7800 });
  });
});
