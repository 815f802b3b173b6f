import { z } from 'zod';
import { BerthError } from './errors.ts';

/** Where Redis and the bucket are. Secrets come by environment only. */
export const servicesSchema = z.strictObject({
  redisUrl: z
    .string()
    .regex(/^(rediss?|unix):\/\//, 'must start with redis://, rediss:// or unix://'),
  s3: z.strictObject({
    endpoint: z.url(),
    region: z.string().min(1),
    bucket: z.string().min(3),
    prefix: z.string(),
    accessKeyId: z.string().min(1),
    secretAccessKey: z.string().min(1),
  }),
});
export type Services = z.output<typeof servicesSchema>;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The services named by the environment: REDIS_URL, AWS_ENDPOINT_URL_S3 (or AWS_ENDPOINT_URL), AWS_REGION,
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, BERTH_S3_BUCKET, BERTH_S3_PREFIX.
 * @returns only what is set, so that the rest can be embedded
 * @throws BerthError `CONFIG_INVALID` for an endpoint without credentials, or a malformed value
 */
export function servicesFromEnvironment(env: Environment): Partial<Services> {
  const redisUrl = env['REDIS_URL'];
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'];
  const candidate = {
    ...(redisUrl !== undefined && { redisUrl }),
    ...(endpoint !== undefined && {
      s3: {
        endpoint,
        region: env['AWS_REGION'] ?? 'us-east-1',
        bucket: env['BERTH_S3_BUCKET'] ?? 'berth',
        prefix: env['BERTH_S3_PREFIX'] ?? '',
        accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    }),
  };
  const parsed = servicesSchema.partial().safeParse(candidate);
  if (parsed.success) return parsed.data as Partial<Services>;
  const issue = parsed.error.issues[0];
  const variable = environmentNames[issue?.path.join('.') ?? ''] ?? 'services';
  throw new BerthError(
    'CONFIG_INVALID',
    `${variable}: ${issue?.message ?? 'not valid'}; set it or unset all`,
  );
}

const environmentNames: Readonly<Record<string, string>> = {
  redisUrl: 'REDIS_URL',
  's3.endpoint': 'AWS_ENDPOINT_URL_S3',
  's3.bucket': 'BERTH_S3_BUCKET',
  's3.accessKeyId': 'AWS_ACCESS_KEY_ID',
  's3.secretAccessKey': 'AWS_SECRET_ACCESS_KEY',
};

/** The environment that names these services, for a child process. */
export function environmentOfServices({ redisUrl, s3 }: Services): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_REGION: s3.region,
    BERTH_S3_BUCKET: s3.bucket,
    BERTH_S3_PREFIX: s3.prefix,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
  };
}

/** All services, or an error that says which variable is missing. */
export function requireServices(env: Environment): Services {
  const { redisUrl, s3 } = servicesFromEnvironment(env);
  if (redisUrl === undefined) throw new BerthError('CONFIG_INVALID', 'REDIS_URL is not set');
  if (s3 === undefined) throw new BerthError('CONFIG_INVALID', 'AWS_ENDPOINT_URL_S3 is not set');
  return { redisUrl, s3 };
}
