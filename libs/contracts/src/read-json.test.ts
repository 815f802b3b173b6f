import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readJson, readKnown, withUnknown } from './read-json.ts';

const schema = z.strictObject({
  name: z.string(),
  parts: z.array(z.strictObject({ size: z.int() })).default([]),
  error: z.strictObject({ code: z.string() }).nullable(),
});

describe('readJson', () => {
  it('leaves out keys that it does not know, at any depth', () => {
    const text = JSON.stringify({
      name: 'a',
      later: { deep: 1 },
      parts: [{ size: 1 }, { size: 2, colour: 'red' }],
      error: { code: 'X', hint: '?' },
    });
    expect(readJson(schema, text)).toEqual({
      ok: true,
      value: { name: 'a', parts: [{ size: 1 }, { size: 2 }], error: { code: 'X' } },
    });
  });

  it('says what it cannot read', () => {
    expect(readJson(schema, '{"name":1,"error":null,"later":2}')).toEqual({
      ok: false,
      problem: 'name: Invalid input: expected string, received number',
    });
    expect(readJson(schema, '[]')).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^it: /) as string,
    });
    expect(readJson(schema, '{"name":"a","err')).toMatchObject({
      ok: false,
      problem: expect.stringContaining('JSON') as string,
    });
  });

  it('says so of what is nested too deeply to walk through', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    for (const text of [deep, `{"name":"a","error":null,"later":${deep}}`])
      expect(readJson(schema, text).ok).toBe(false);
  });

  it('leaves what it is given as it is', () => {
    const value = { name: 'a', error: null, later: 1 };
    readKnown(schema, value);
    expect(value).toEqual({ name: 'a', error: null, later: 1 });
  });
});

describe('withUnknown', () => {
  it('keeps what a later release wrote, at any depth, and nothing else of the value before', () => {
    const before = {
      name: 'a',
      later: { deep: 1 },
      parts: [{ size: 1, colour: 'red' }],
      error: { code: 'X', hint: '?' },
    };
    const after = { name: 'b', parts: [{ size: 1 }, { size: 2 }], error: null };
    expect(withUnknown(schema, before, after)).toEqual({
      name: 'b',
      later: { deep: 1 },
      parts: [{ size: 1, colour: 'red' }, { size: 2 }],
      error: null,
    });
  });
});
