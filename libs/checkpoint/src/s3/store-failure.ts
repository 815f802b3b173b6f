import { BerthError, type ErrorCode } from '@berth/contracts';

/**
 * What an SDK error means for the caller:
 * `transient` may pass if tried again; `full` passes when somebody makes room; `corrupt` came with a checksum that does not fit; `exists` is a failed condition;
 * `restart` asks for the whole upload again.
 */
export type FailureKind =
  | 'transient'
  | 'full'
  | 'corrupt'
  | 'notFound'
  | 'refused'
  | 'exists'
  | 'restart';

const transientNames = new Set([
  'BadDigest',
  'IncompleteBody',
  'OperationAborted',
  // The SDK signs by the clock of the service from then on.
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'XAmzContentSHA256Mismatch',
]);

/** What services say when their disk or the user's share of it is full; those of MinIO and Ceph beside ours. */
const fullNames = new Set(['StorageFull', 'XMinioStorageFull', 'QuotaExceeded']);

/**
 * Sorts an error of the S3 client by its HTTP status, and by its name where the status is ambiguous.
 * @param hasAnswered - whether the service has answered before: keys and a region that were there come back
 */
export function classifyFailure(error: unknown, hasAnswered = true): FailureKind {
  const { name, status, message } = factsOf(error);
  if (status === undefined) {
    if (!hasAnswered && (lacksKeys(name) || lacksRegion(message))) return 'refused';
    return message.startsWith('Checksum mismatch') ? 'corrupt' : 'transient';
  }
  // The service did as it was asked, and its answer came damaged.
  if (status < 300) return 'transient';
  if (transientNames.has(name)) return 'transient';
  if (name === 'NoSuchUpload' || name === 'ConditionalRequestConflict') return 'restart';
  if (status === 507 || fullNames.has(name)) return 'full';
  if (status === 404) return 'notFound';
  if (status === 412) return 'exists';
  if (status === 408 || status === 429 || (status >= 500 && status !== 501)) return 'transient';
  return 'refused';
}

const lacksKeys = (name: string): boolean => name === 'CredentialsProviderError';
const lacksRegion = (message: string): boolean => message.startsWith('Region is missing');
const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);
const elsewhere = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
]);

const codes: Record<FailureKind, ErrorCode> = {
  transient: 'STORE_UNREACHABLE',
  full: 'STORE_FULL',
  corrupt: 'STORE_CORRUPT',
  notFound: 'STORE_NOT_FOUND',
  refused: 'STORE_REFUSED',
  exists: 'STORE_CONFLICT',
  restart: 'STORE_CONFLICT',
};

const remedies: Record<FailureKind, string> = {
  full: 'Free some space there.',
  transient: 'Check that the service is up and can be reached from here.',
  corrupt: 'The stored bytes do not fit their checksum; restore or delete the object.',
  notFound: 'Check the bucket name and the key.',
  refused: 'Check the access key, its permissions, and that the service supports this operation.',
  exists: 'Another writer was first.',
  restart: 'Another writer interfered; try again.',
};

function remedyOf(kind: FailureKind, name: string, message: string): string {
  if (lacksKeys(name))
    return 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine or container a role.';
  if (lacksRegion(message) || elsewhere.has(name))
    return 'Set AWS_REGION to the region of the bucket.';
  if (name === 'RequestTimeTooSkewed')
    return 'The clocks of this machine and of the service differ by too much: set both by NTP (timedatectl set-ntp true).';
  if (expired.has(name))
    return 'Renew the keys and AWS_SESSION_TOKEN and start again; those of a profile or a role are renewed by themselves.';
  return remedies[kind];
}

/**
 * The error berth throws for a failed call: says which call on which object, never credentials.
 * @param hasAnswered - as for `classifyFailure`
 */
export function storeError(
  error: unknown,
  call: string,
  where: string,
  hasAnswered = true,
): BerthError {
  const { name, message, status } = factsOf(error);
  const kind = classifyFailure(error, hasAnswered);
  // The answer to a HEAD request has no body that would say more.
  const what = name === 'Unknown' ? `HTTP ${status}` : `${name}: ${message.replace(/\.$/, '')}`;
  if (kind === 'full')
    return new BerthError('STORE_FULL', `${where} is full: ${what}. ${remedies.full}`, {
      cause: error,
      details: { call, where, reason: name },
    });
  const remedy = remedyOf(kind, name, message);
  return new BerthError(codes[kind], `${call} failed at ${where}: ${what}. ${remedy}`, {
    cause: error,
    details: { call, where, reason: name },
  });
}

function factsOf(error: unknown): { name: string; message: string; status: number | undefined } {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), status: undefined };
  return { name: error.name, message: error.message, status: metadataOf(error)?.httpStatusCode };
}

/** Whether the SDK has learnt from a refusal that our clock is minutes off: the answer to a HEAD request does not say that this was why. */
export function hasCorrectedClock(error: unknown): boolean {
  return error instanceof Error && metadataOf(error)?.clockSkewCorrected === true;
}

function metadataOf(
  error: Error,
): { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean } | undefined {
  return (error as { $metadata?: { httpStatusCode?: number; clockSkewCorrected?: boolean } })
    .$metadata;
}
