import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { silentLogger } from '@berth/contracts';
import type { S3ObjectStoreOptions } from './s3-options.ts';

const connectionTimeoutMs = 5_000;

/** A client of the SDK that leaves repetitions to us. */
export function createClient(options: S3ObjectStoreOptions): S3Client {
  // The SDK announces the Node.js versions of its future releases on stderr; this is its switch for that.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = options;
  if (accessKeyId === undefined && endpoint !== undefined && !isAws(endpoint)) leaveMetadataAlone();
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && {
        credentials: {
          accessKeyId,
          secretAccessKey,
          ...(sessionToken !== undefined && { sessionToken }),
        },
      }),
    maxAttempts: 1,
    // Waiting for "100 Continue" costs a round trip and a fresh connection for every large upload.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: connectionTimeoutMs },
    // It would tell the console of each refused stream, which we tell ourselves.
    logger: silentLogger,
  });
  signKnownDigests(client);
  return client;
}

/** Signs bodies by the SHA-256 that they carry anyway, instead of having the signer make it once more. */
function signKnownDigests(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (input) => {
      const { headers } = input.request as { headers: Record<string, string> };
      const known = headers['x-amz-checksum-sha256'];
      if (known !== undefined)
        headers['x-amz-content-sha256'] = Buffer.from(known, 'base64').toString('hex');
      return next(input);
    },
    { step: 'build', priority: 'low', name: 'signKnownDigests' },
  );
}

/**
 * Elsewhere the keys of the machine's role are no keys, and the address of the metadata service is nobody's or somebody
 * else's. AWS_EC2_METADATA_DISABLED=false asks for them all the same.
 */
function leaveMetadataAlone(): void {
  process.env['AWS_EC2_METADATA_DISABLED'] ??= 'true';
}

function isAws(endpoint: string): boolean {
  return /\.(amazonaws\.com(\.cn)?|api\.aws)$/.test(new URL(endpoint).hostname);
}

/** Reads the clock of the service from each of its answers. */
export function watchClock(client: S3Client): { readonly aheadMs: number | undefined } {
  const clock: { aheadMs: number | undefined } = { aheadMs: undefined };
  client.middlewareStack.add(
    (next) => async (input) => {
      const output = await next(input);
      const { headers } = output.response as { headers?: Record<string, string> };
      const dateMs = Date.parse(headers?.['date'] ?? '');
      if (!Number.isNaN(dateMs)) clock.aheadMs = dateMs + 500 - Date.now();
      return output;
    },
    { step: 'deserialize', priority: 'low', name: 'watchClock' },
  );
  return clock;
}

/** Succeeds also when another process creates it at the same time. */
export async function createBucket(
  client: S3Client,
  bucket: string,
  abortSignal: AbortSignal,
): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }), { abortSignal });
  } catch (error) {
    if (error instanceof Error && error.name === 'BucketAlreadyOwnedByYou') return;
    throw error;
  }
}
