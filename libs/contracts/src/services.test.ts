import { describe, expect, it } from 'vitest';
import {
  dropEmptyVariables,
  environmentOfServices,
  requireServices,
  servicesFromEnvironment,
} from './services.ts';

const keys = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
const ownKeys = { BERTH_S3_ACCESS_KEY: 'own', BERTH_S3_SECRET_KEY: 'hidden' };
const found = { accessKeyId: 'id', secretAccessKey: 'secret' };

describe('services of the environment', () => {
  it.each([
    [{}, {}],
    // Meant for other programs.
    [{ ...keys, AWS_REGION: 'eu-north-1', AWS_PROFILE: '' }, {}],
    [
      { ...keys, BERTH_S3_BUCKET: 'box', BERTH_S3_PREFIX: 'team', AWS_REGION: 'eu-north-1' },
      { s3: { bucket: 'box', prefix: 'team', region: 'eu-north-1', ...found } },
    ],
    [{ BERTH_S3_BUCKET: 'box' }, { s3: { bucket: 'box', prefix: '' } }],
    [
      { BERTH_S3_BUCKET: 'box', AWS_PROFILE: 'lab', AWS_DEFAULT_REGION: 'us-west-2' },
      { s3: { bucket: 'box', prefix: '', region: 'us-west-2' } },
    ],
    [
      { AWS_ENDPOINT_URL: 'http://a:1', AWS_REGION: '', AWS_SESSION_TOKEN: ' ', ...keys },
      {
        s3: { endpoint: 'http://a:1', bucket: 'berth', prefix: '', region: 'us-east-1', ...found },
      },
    ],
    [
      { BERTH_S3_BUCKET: 'box', ...keys, AWS_SESSION_TOKEN: 'token' },
      { s3: { bucket: 'box', prefix: '', ...found, sessionToken: 'token' } },
    ],
    [
      { BERTH_S3_BUCKET: 'box', ...ownKeys, ...keys, AWS_SESSION_TOKEN: 'x', AWS_PROFILE: 'lab' },
      { s3: { bucket: 'box', prefix: '', accessKeyId: 'own', secretAccessKey: 'hidden' } },
    ],
    [{ REDIS_URL: '', BERTH_S3_BUCKET: '', AWS_ENDPOINT_URL_S3: '', BERTH_S3_PREFIX: '' }, {}],
  ])('%j', (env, services) => {
    expect(servicesFromEnvironment(env)).toEqual(services);
  });

  it.each([
    [{ BERTH_S3_PREFIX: 'team' }, /BERTH_S3_PREFIX is set, but no bucket/],
    [
      { BERTH_S3_BUCKET: 'box', AWS_ACCESS_KEY_ID: 'id' },
      /AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not/,
    ],
    [
      { AWS_ENDPOINT_URL_S3: 'http://a', AWS_SECRET_ACCESS_KEY: 'x', AWS_ACCESS_KEY_ID: '' },
      /AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not/,
    ],
    [
      { BERTH_S3_BUCKET: 'box', BERTH_S3_SECRET_KEY: 'x', ...keys },
      /BERTH_S3_SECRET_KEY is set and BERTH_S3_ACCESS_KEY is not/,
    ],
    [{ BERTH_S3_BUCKET: 'box', AWS_SESSION_TOKEN: 'x' }, /without the keys it belongs to/],
    [{ BERTH_S3_BUCKET: 'box', ...keys, AWS_PROFILE: 'lab' }, /only one can be used/],
    [{ BERTH_S3_BUCKET: 'b' }, /BERTH_S3_BUCKET is not the name of a bucket/],
    [{ AWS_ENDPOINT_URL_S3: 'store:9000/x y' }, /AWS_ENDPOINT_URL_S3 is not a URL/],
    [{ REDIS_URL: 'localhost:6379' }, /REDIS_URL must start with redis:\/\//],
  ])('%j is refused', (env, message) => {
    expect(() => servicesFromEnvironment(env)).toThrow(message);
  });

  it('are all there, or the one that is missing is named', () => {
    expect(() => requireServices({ BERTH_S3_BUCKET: 'box' })).toThrow('REDIS_URL is not set');
    expect(() => requireServices({ REDIS_URL: 'redis://a' })).toThrow('BERTH_S3_BUCKET');
  });

  it.each([
    { REDIS_URL: 'redis://a', AWS_ENDPOINT_URL_S3: 'http://a:1', ...keys },
    { REDIS_URL: 'rediss://a/1', BERTH_S3_BUCKET: 'box', AWS_PROFILE: 'lab' },
    { REDIS_URL: 'redis://a', BERTH_S3_BUCKET: 'box', ...keys, AWS_SESSION_TOKEN: 'x' },
    { REDIS_URL: 'redis://a', BERTH_S3_BUCKET: 'box', ...ownKeys, AWS_PROFILE: 'lab' },
  ])('are the same for a child that inherits %j', (env) => {
    const services = requireServices(env);
    const inherited = {
      AWS_ENDPOINT_URL: 'http://other',
      ...env,
      ...environmentOfServices(services),
    };
    dropEmptyVariables(inherited);
    expect(requireServices(inherited)).toEqual(services);
    expect(Object.values(inherited)).not.toContain('');
  });

  it('of a parent do not mix with those that a child is given', () => {
    const own = requireServices({
      REDIS_URL: 'redis://a',
      AWS_ENDPOINT_URL_S3: 'http://a:1',
      ...keys,
    });
    const parent = {
      AWS_SESSION_TOKEN: 'of others',
      AWS_PROFILE: 'lab',
      AWS_ENDPOINT_URL: 'http://b',
    };
    expect(requireServices({ ...parent, ...environmentOfServices(own) })).toEqual(own);
  });

  it('leave alone what is empty elsewhere', () => {
    const env: Record<string, string> = {
      AWS_REGION: '',
      BERTH_FOLDER: ' ',
      REDIS_URL: '',
      HOME: '',
      NO_COLOR: '',
    };
    dropEmptyVariables(env);
    expect(env).toEqual({ HOME: '', NO_COLOR: '' });
  });
});
