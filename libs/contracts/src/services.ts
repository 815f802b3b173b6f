import { z } from 'zod';
import { BerthError } from './errors.ts';
import { parseRedisUrl } from './redis-url.ts';

/** Where Redis and the bucket are. Secrets come by environment only. */
export const servicesSchema = z.strictObject({
  redisUrl: z.string(),
  s3: z.strictObject({
    /** AWS when left out. */
    endpoint: z.url({ protocol: /^https?$/ }).optional(),
    /** Of the profile when left out. */
    region: z.string().min(1).optional(),
    bucket: z.string().min(3),
    prefix: z.string(),
    /** Both keys or neither: then AWS's provider chain finds some, of a profile, or a role of the machine or container. */
    accessKeyId: z.string().min(1).optional(),
    secretAccessKey: z.string().min(1).optional(),
    /** Of temporary keys. */
    sessionToken: z.string().min(1).optional(),
  }),
});
export type Services = z.output<typeof servicesSchema>;
export type S3Place = Services['s3'];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The services named by the environment: REDIS_URL, and a bucket by BERTH_S3_BUCKET (without an endpoint it is one of
 * AWS) or AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL), with BERTH_S3_PREFIX, AWS_REGION (or AWS_DEFAULT_REGION) and the
 * first of these: BERTH_S3_ACCESS_KEY and BERTH_S3_SECRET_KEY; AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
 * AWS_SESSION_TOKEN; what AWS's provider chain finds, such as AWS_PROFILE. An empty variable is one that is not set.
 * @returns only what is set, so that the rest can be embedded
 * @throws BerthError `CONFIG_INVALID` for settings that do not belong together, or a malformed value
 */
export function servicesFromEnvironment(env: Environment): Partial<Services> {
  const redisUrl = redisUrlFromEnvironment(env);
  const s3 = s3FromEnvironment(env);
  return { ...(redisUrl !== undefined && { redisUrl }), ...(s3 !== undefined && { s3 }) };
}

/** As `servicesFromEnvironment`, for the queue alone. */
export function redisUrlFromEnvironment(env: Environment): string | undefined {
  const url = setting(env, 'REDIS_URL');
  if (url !== undefined) parseRedisUrl(url);
  return url;
}

/** As `servicesFromEnvironment`, for the bucket alone. */
export function s3FromEnvironment(env: Environment): S3Place | undefined {
  const endpoint = setting(env, 'AWS_ENDPOINT_URL_S3') ?? setting(env, 'AWS_ENDPOINT_URL');
  const bucket = setting(env, 'BERTH_S3_BUCKET');
  const prefix = setting(env, 'BERTH_S3_PREFIX');
  if (endpoint === undefined && bucket === undefined) {
    if (prefix !== undefined)
      throw invalid('BERTH_S3_PREFIX is set, but no bucket; set BERTH_S3_BUCKET too, or unset it');
    return undefined;
  }
  const region =
    setting(env, 'AWS_REGION') ??
    setting(env, 'AWS_DEFAULT_REGION') ??
    (endpoint === undefined ? undefined : 'us-east-1');
  const candidate: S3Place = {
    bucket: bucket ?? 'berth',
    prefix: prefix ?? '',
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...keysFromEnvironment(env),
  };
  const parsed = servicesSchema.shape.s3.safeParse(candidate);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(
    issue?.path[0] === 'endpoint'
      ? 'AWS_ENDPOINT_URL_S3 is not a URL; write it as https://host or http://host:port'
      : 'BERTH_S3_BUCKET is not the name of a bucket, which has three characters or more',
  );
}

type Keys = Pick<S3Place, 'accessKeyId' | 'secretAccessKey' | 'sessionToken'>;

/** Keys in the environment are used as they are, and only they; those of berth's own names before any of AWS. */
function keysFromEnvironment(env: Environment): Keys {
  return ownKeys(env) ?? awsKeys(env);
}

function ownKeys(env: Environment): Keys | undefined {
  const accessKeyId = setting(env, 'BERTH_S3_ACCESS_KEY');
  const secretAccessKey = setting(env, 'BERTH_S3_SECRET_KEY');
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey };
  const [there, missing] = accessKeyId === undefined ? ['SECRET', 'ACCESS'] : ['ACCESS', 'SECRET'];
  throw invalid(
    `BERTH_S3_${there}_KEY is set and BERTH_S3_${missing}_KEY is not; set both or unset both`,
  );
}

function awsKeys(env: Environment): Keys {
  const accessKeyId = setting(env, 'AWS_ACCESS_KEY_ID');
  const secretAccessKey = setting(env, 'AWS_SECRET_ACCESS_KEY');
  const sessionToken = setting(env, 'AWS_SESSION_TOKEN');
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    if (sessionToken === undefined) return {};
    throw invalid(
      'AWS_SESSION_TOKEN is set without the keys it belongs to; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or unset it',
    );
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const [there, missing] =
      accessKeyId === undefined
        ? ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID']
        : ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
    throw invalid(`${there} is set and ${missing} is not; set both or unset both`);
  }
  if (setting(env, 'AWS_PROFILE') !== undefined)
    throw invalid(
      'AWS_ACCESS_KEY_ID and AWS_PROFILE are both set, and only one can be used; unset the other',
    );
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

/** Compose files and scripts often set what they do not know to nothing. */
function setting(env: Environment, name: string): string | undefined {
  return env[name]?.trim() === '' ? undefined : env[name];
}

/**
 * The environment that names these services, for a child process that inherits ours: what does not belong to them is
 * empty, so that it is not inherited.
 */
export function environmentOfServices({ redisUrl, s3 }: Services): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    AWS_ENDPOINT_URL_S3: s3.endpoint ?? '',
    AWS_ENDPOINT_URL: '',
    AWS_REGION: s3.region ?? '',
    BERTH_S3_BUCKET: s3.bucket,
    BERTH_S3_PREFIX: s3.prefix,
    BERTH_S3_ACCESS_KEY: '',
    BERTH_S3_SECRET_KEY: '',
    ...(s3.accessKeyId !== undefined && {
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey ?? '',
      AWS_SESSION_TOKEN: s3.sessionToken ?? '',
      AWS_PROFILE: '',
    }),
  };
}

/**
 * Takes the variables of ours, of AWS and of Redis that are empty out of an environment, since libraries take an empty
 * one for a value.
 */
export function dropEmptyVariables(env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env))
    if (/^(AWS_|BERTH_|REDIS_URL$)/.test(name) && value?.trim() === '')
      Reflect.deleteProperty(env, name);
}

/** All services, or an error that says which variable is missing. */
export function requireServices(env: Environment): Services {
  const { redisUrl, s3 } = servicesFromEnvironment(env);
  if (redisUrl === undefined) throw invalid('REDIS_URL is not set');
  if (s3 === undefined) throw invalid('neither BERTH_S3_BUCKET nor AWS_ENDPOINT_URL_S3 is set');
  return { redisUrl, s3 };
}

function invalid(message: string): BerthError {
  return new BerthError('CONFIG_INVALID', message);
}
