import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toBerthError } from '@berth/contracts';
import { temporaryFolder } from '@berth/testing';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadConfig } from './run-file.ts';

const runs = { numRuns: 1_000, seed: 20261129 };
const sound = 'name: a\ncorpus: { path: x }\ntrain: &t { numSteps: 7 }\n';
const { path: folder } = await temporaryFolder();
const file = join(folder, 'run.yaml');

/** `read`, or the code of the error, which is short. */
function outcomeOf(overrides: readonly string[]): string {
  try {
    loadConfig(file, overrides);
    return 'read';
  } catch (error) {
    const { code, message } = toBerthError(error);
    return message.length < 1_000 ? code : `too long: ${message}`;
  }
}

const word = fc.oneof(
  fc.constantFrom('train', 'numSteps', 'name', 'corpus', 'path', '__proto__', 'constructor', ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.json(),
  fc.constantFrom(
    '*t',
    '&a [*a]',
    '!!js/function x',
    '<<: *t',
    '{',
    '"',
    '- - -',
    '1e999',
    '~',
    '|',
  ),
);
const override = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 4 }), fc.constantFrom('=', '', '=='), value)
  .map(([keys, equals, text]) => keys.join('.') + equals + text);

it(`${runs.numRuns} odd --set are taken or refused in words`, () => {
  writeFileSync(file, sound);
  fc.assert(
    fc.property(fc.array(override, { minLength: 1, maxLength: 3 }), (overrides) => {
      expect(outcomeOf(overrides)).toMatch(/^(read|USAGE|CONFIG_INVALID|CONFIG_UNKNOWN_KEY)$/);
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    runs,
  );
});

it(`${runs.numRuns} odd run files are read or refused in words`, () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }).map((more) => sound + more),
    fc
      .tuple(fc.nat(sound.length), value)
      .map(([at, odd]) => sound.slice(0, at) + odd + sound.slice(at)),
    fc.uint8Array({ maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, (bytes) => {
      writeFileSync(file, bytes);
      expect(outcomeOf([])).toMatch(/^(read|CONFIG_INVALID|CONFIG_UNKNOWN_KEY)$/);
    }),
    runs,
  );
});
