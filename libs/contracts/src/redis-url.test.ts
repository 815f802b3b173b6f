import { describe, expect, it } from 'vitest';
import { BerthError } from './errors.ts';
import { parseRedisUrl } from './redis-url.ts';

function refusal(url: string): string {
  try {
    parseRedisUrl(url);
  } catch (error) {
    if (error instanceof BerthError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a Redis URL', () => {
  it.each([
    [
      'redis://a',
      { where: 'a:6379', server: { host: 'a', port: 6379, isTls: false }, database: 0 },
    ],
    ['rediss://a:7/', { where: 'a:7', server: { host: 'a', port: 7, isTls: true }, database: 0 }],
    [
      'redis://[::1]:7/12',
      { where: '[::1]:7', server: { host: '::1', port: 7, isTls: false }, database: 12 },
    ],
    ['redis://:p%40ss%2Fw%23rd%3A%25@a', { where: 'a:6379', password: 'p@ss/w#rd:%' }],
    ['redis://me:s3cret@a/3', { username: 'me', password: 's3cret', database: 3 }],
    ['redis://me:a:b@a', { username: 'me', password: 'a:b' }],
    [
      'unix:///run/my%20redis.sock?db=2',
      { where: '/run/my redis.sock', server: { path: '/run/my redis.sock' }, database: 2 },
    ],
  ])('%s is read', (url, place) => {
    expect(parseRedisUrl(url)).toMatchObject(place);
  });

  it.each([
    'redis://:hunter@2/hunter#2@127.0.0.1:6502',
    'redis://:hunter2/hunter@127.0.0.1',
    'redis://:hunter#2@127.0.0.1',
    'redis://:hunter?2@127.0.0.1',
    'redis://:hunter@hunter?hunter=2@127.0.0.1',
    'redis://:hunter%2@127.0.0.1',
    'redis://me:12/hunter@127.0.0.1',
    'redis://hunter@127.0.0.1',
    'redis://127.0.0.1/hunter',
    'redis://127.0.0.1/-1',
    'redis://127.0.0.1?hunter=1',
    'http://hunter@127.0.0.1',
    'redis://',
    'hunter',
  ])('%s is refused with advice, and nothing of it is shown', (url) => {
    const message = refusal(url);
    expect(message).toMatch(/REDIS_URL .*(@ as %40, \/ as %2F|redis:\/\/:password@host)/);
    expect(message).not.toMatch(/hunter/);
  });
});
