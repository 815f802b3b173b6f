import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { params } from './commands/params.ts';
import { createContext } from './context.ts';
import { berth } from './testing/berth-process.ts';

const folder = tmpdir();

describe('berth params', () => {
  it('breaks down the parameters of base', async () => {
    const { stdout, exitCode } = await berth(['params', '--model', 'base'], { folder });
    expect(exitCode).toBe(0);
    for (const count of [
      '23,835,648',
      '28,311,552',
      '38,400',
      '56,623,104',
      '108,808,704',
      '109,482,240',
      '110,106,428',
    ])
      expect(stdout).toContain(count);
    const json = await berth(['params', '--model', 'base', '--json'], { folder });
    expect(JSON.parse(json.stdout)).toMatchObject({ model: 'base', preTraining: 110_106_428 });
  });

  it.each([
    ['tiny', 4_385_920, 4_416_698, 4_433_468],
    ['mini', 11_170_560, 11_201_594, 11_267_900],
    ['small', 28_763_648, 28_795_194, 29_058_876],
    ['medium', 41_373_184, 41_404_730, 41_668_412],
    ['base', 109_482_240, 109_514_298, 110_106_428],
    ['large', 335_141_888, 335_174_458, 336_226_108],
  ] as const)('counts %s as published', (size, bertModel, maskedLm, preTraining) => {
    let printed = '';
    const context = { ...createContext({}, 0), print: (text: string) => void (printed += text) };
    params(context, size, { vocabSize: 30_522, json: true });
    expect(JSON.parse(printed)).toMatchObject({ bertModel, maskedLm, preTraining });
  });
});
