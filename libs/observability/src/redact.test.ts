import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BerthError } from '@berth/contracts';
import { redact, redactText } from './redact.ts';

describe('redact', () => {
  it('masks secrets by the name of their field, however it is spelt and however deep', () => {
    const keys = ['password', 'AWS_SECRET_ACCESS_KEY', 'sessionToken', 'Authorization', 'api-key'];
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(4), (key, depth) => {
        let value: unknown = { [key]: 'hunter2' };
        for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { inner: value } : [value];
        expect(JSON.stringify(redact(value))).not.toContain('hunter2');
      }),
    );
  });

  it('masks what workers prove to each other, as a field and in an environment written out', () => {
    expect(redact({ BERTH_SECRET: 'hunter2', secret: 'hunter2' })).toEqual({
      BERTH_SECRET: '***',
      secret: '***',
    });
    expect(redactText('env BERTH_SECRET=hunter2 BERTH_SECRET_FILE=/run/s node main.js')).toBe(
      'env BERTH_SECRET=*** BERTH_SECRET_FILE=/run/s node main.js',
    );
  });

  it('leaves ordinary fields alone', () => {
    const fields = { numTokens: 3, tokensPerSecond: 2.5, key: 'a/b', none: null, list: [1, 'x'] };
    expect(redact(fields)).toEqual(fields);
  });

  it('masks passwords in URLs and leaves host and port', () => {
    expect(redactText('at redis://me:hunter2@host:6379/0 and redis://host:6379')).toBe(
      'at redis://me:***@host:6379/0 and redis://host:6379',
    );
    expect(redactText('redis://:hunter2@host')).toBe('redis://:***@host');
    expect(redact({ url: 'https://u:hunter2@host' })).toEqual({ url: 'https://u:***@host' });
  });

  it.each([
    'BERTH_SECRET',
    'BERTH_API_TOKEN',
    'BERTH_S3_SECRET_KEY',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'REDIS_PASSWORD',
  ])('masks %s of an environment that was written out', (name) => {
    expect(redactText(`env A=1 ${name}=hunter2/+= B=2`)).toBe(`env A=1 ${name}=*** B=2`);
  });

  it('masks the token of a link, and in fields', () => {
    expect(redactText('at http://127.0.0.1:7700/runs/a#token=hunter2 now')).toBe(
      'at http://127.0.0.1:7700/runs/a#token=*** now',
    );
    expect(redact({ apiToken: 'hunter2', token: '[MASK]' })).toEqual({
      apiToken: '***',
      token: '[MASK]',
    });
  });

  it('takes no longer than a long text deserves', () => {
    const before = process.cpuUsage();
    for (const part of ['x', '://', '://x:y', 'a:b@', ' ']) redactText(part.repeat(200_000));
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });

  it('writes errors with code, cause and details', () => {
    const cause = new Error('redis://u:hunter2@host refused');
    const error = new BerthError('STORE_UNREACHABLE', 'away', { cause, details: { try: 1 } });
    expect(redact({ error })).toMatchObject({
      error: {
        name: 'BerthError',
        code: 'STORE_UNREACHABLE',
        message: 'away',
        details: { try: 1 },
        cause: { message: 'redis://u:***@host refused' },
      },
    });
  });

  it('survives a value that contains itself', () => {
    const loop: Record<string, unknown> = { name: 'loop' };
    loop['self'] = loop;
    expect(redact(loop)).toEqual({ name: 'loop', self: '[circular]' });
  });
});
