import type { ApiEvent } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { EventHub } from './event-hub.ts';

const never = new AbortController().signal;
const event = (number: number): ApiEvent => ({ type: 'resync', reason: `event ${number}` });
const idsOf = (text: string): string[] => [...text.matchAll(/^id: (.+)$/gm)].map((m) => m[1] ?? '');
const numbersOf = (text: string): number[] =>
  [...text.matchAll(/event (\d+)/g)].map((m) => Number(m[1]));

describe('an event hub', () => {
  it('gives a reader all that came since its place, and one that comes back by id what it missed', () => {
    const hub = new EventHub({ epoch: 'e' });
    const place = hub.open('t', undefined);
    expect(hub.read('t', place)).toEqual({ text: '', seq: place });
    for (let number = 1; number <= 3; number++) hub.publish(['t'], event(number));
    const first = hub.read('t', place);
    expect(numbersOf(first.text)).toEqual([1, 2, 3]);
    const id = idsOf(first.text)[1];
    expect(numbersOf(hub.read('t', hub.open('t', id)).text)).toEqual([3]);
    expect(hub.read('t', first.seq).text).toBe('');
  });

  it.each(['other-1', 'e-99', 'nonsense', 'e--1', 'e-1e3', ''])(
    'does not take %j for a place',
    (id) => {
      const hub = new EventHub({ epoch: 'e' });
      hub.open('t', undefined);
      hub.publish(['t'], event(1));
      const { text, seq } = hub.read('t', hub.open('t', id));
      expect(text).toContain('"type":"resync"');
      hub.publish(['t'], event(2));
      expect(numbersOf(hub.read('t', seq).text)).toEqual([2]);
    },
  );

  it('tells a reader that fell behind, or whose topic is gone, to read all anew', () => {
    const hub = new EventHub({ epoch: 'e', capacity: 3 });
    const place = hub.open('t', undefined);
    for (let number = 1; number <= 4; number++) hub.publish(['t'], event(number));
    expect(hub.read('t', place).text).toContain('no longer kept');
    expect(numbersOf(hub.read('t', place + 1).text)).toEqual([2, 3, 4]);
    hub.forget('t');
    expect(hub.read('t', 4).text).toContain('no longer kept');
    expect(hub.open('t', 'e-3')).toBe(-1);
  });

  it('keeps topics apart, and sends one event to several', () => {
    const hub = new EventHub({ epoch: 'e' });
    const [a, b] = [hub.open('a', undefined), hub.open('b', undefined)];
    hub.publish(['a', 'b', 'unread'], event(1));
    hub.publish(['b'], event(2));
    expect(numbersOf(hub.read('a', a).text)).toEqual([1]);
    expect(numbersOf(hub.read('b', b).text)).toEqual([1, 2]);
  });

  it('wakes who waits', async () => {
    const hub = new EventHub({ epoch: 'e' });
    const place = hub.open('t', undefined);
    const woken = hub.wait('t', place, 60_000, never);
    hub.publish(['t'], event(1));
    await woken;
    expect(numbersOf(hub.read('t', place).text)).toEqual([1]);
    await hub.wait('t', place, 60_000, never);
    await hub.wait('t', hub.open('t', undefined), 1, never);
  });
});
