import { describe, expect, it } from 'vitest';
import {
  asSentence,
  formatAge,
  formatBytes,
  formatCompact,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatTick,
  plural,
} from './format.ts';

describe('numbers', () => {
  it('separates thousands', () => {
    expect(formatCount(100_000)).toBe('100,000');
    expect(formatCompact(12_400)).toBe('12.4K');
    expect(plural(1, 'worker')).toBe('1 worker');
    expect(plural(64, 'worker')).toBe('64 workers');
  });

  it('keeps four digits of a measured number, however small', () => {
    expect(formatNumber(2.345_678)).toBe('2.346');
    expect(formatNumber(0.000_05)).toBe('5.00e−5');
    expect(formatNumber(0)).toBe('0');
  });

  it('says what is not a number and what is not known', () => {
    expect(formatNumber(NaN)).toBe('NaN');
    expect(formatNumber(Infinity)).toBe('∞');
    expect(formatNumber(null)).toBe('–');
    expect(formatPercent(undefined)).toBe('–');
    expect(formatBytes(null)).toBe('–');
  });

  it('writes no needless zeros beside an axis', () => {
    expect(formatTick(7.5)).toBe('7.5');
    expect(formatTick(10)).toBe('10');
    expect(formatTick(0.1 + 0.2)).toBe('0.3');
  });
});

describe('spans of time and sizes', () => {
  it('uses at most two units', () => {
    expect(formatDuration(0)).toBe('0');
    expect(formatDuration(820)).toBe('820 ms');
    expect(formatDuration(45_000)).toBe('45 s');
    expect(formatDuration(192 * 60_000)).toBe('3 h 12 min');
    expect(formatDuration(49 * 3_600_000)).toBe('2 d 1 h');
  });

  it('says how long ago', () => {
    expect(formatAge(-300)).toBe('just now');
    expect(formatAge(61_000)).toBe('1 min ago');
  });

  it('counts bytes in powers of 1024', () => {
    expect(formatBytes(512)).toBe('512 B');
    expect(formatBytes(1.5 * 2 ** 30)).toBe('1.5 GiB');
  });
});

describe('a reason', () => {
  it.each([
    ['it is paused; resume it', 'It is paused; resume it.'],
    ['worker-2-bab13a is refused', 'worker-2-bab13a is refused.'],
    ['waiting: compiling …', 'Waiting: compiling …'],
    ['3 workers', '3 workers.'],
    ['Done.', 'Done.'],
    ['', ''],
  ])('%s', (reason, sentence) => {
    expect(asSentence(reason)).toBe(sentence);
  });
});
