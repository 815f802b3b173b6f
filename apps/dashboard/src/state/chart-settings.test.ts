import { expect, it } from 'vitest';
import { parseChartSettings, searchOfChartSettings } from './chart-settings.ts';

it.each([
  [null, null, '', { axis: 'step', smoothing: null }],
  ['time', '250', '?axis=time&smooth=250', { axis: 'time', smoothing: 250 }],
  ['step', '0', '?smooth=0', { axis: 'step', smoothing: 0 }],
  ['clock', '13', '', { axis: 'step', smoothing: null }],
] as const)(
  'axis %s and smoothing %s are in the address as %s',
  (axisText, smoothText, search, chosen) => {
    const parsed = parseChartSettings(axisText, smoothText);
    expect(parsed).toEqual(chosen);
    expect(searchOfChartSettings('?smooth=7', parsed.axis, parsed.smoothing)).toBe(search);
  },
);

it('leaves what else the address says', () => {
  expect(searchOfChartSettings('?a=b&axis=time&c=d', 'step', 250)).toBe('?a=b&c=d&smooth=250');
  expect(searchOfChartSettings('?a=b&axis=time', 'step', null)).toBe('?a=b');
});
