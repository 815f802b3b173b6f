/** What happens after an error: whether whoever ran the work retries it (a run fails by what is not retried), the HTTP status and the exit code. */
export interface ErrorPolicy {
  readonly retry: boolean;
  readonly httpStatus: 401 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503 | 504 | 507;
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6;
}

const userMistake = { retry: false, httpStatus: 422, exitCode: 2 } as const;
const unreachable = { retry: true, httpStatus: 503, exitCode: 4 } as const;
const full = { ...unreachable, httpStatus: 507 } as const;
const transient = { retry: true, httpStatus: 504, exitCode: 1 } as const;
const broken = { retry: false, httpStatus: 500, exitCode: 1 } as const;
const notFound = { retry: false, httpStatus: 404, exitCode: 3 } as const;
const refused = { retry: false, httpStatus: 403, exitCode: 2 } as const;
const conflict = { retry: false, httpStatus: 409, exitCode: 5 } as const;

/** Every error code with its policy; a new code does not compile until its policy is decided here. */
export const errorPolicies = {
  CONFIG_INVALID: userMistake,
  CONFIG_UNKNOWN_KEY: userMistake,
  CONFIG_NOT_FOUND: userMistake,
  DATA_CORPUS_NOT_FOUND: userMistake,
  DATA_CORPUS_EMPTY: userMistake,
  DATA_CORPUS_INVALID: userMistake,
  DATA_CORPUS_CHANGED: userMistake,
  DATA_INPUT_NOT_FOUND: userMistake,
  DATA_INPUT_INVALID: userMistake,
  DATA_VOCABULARY_INVALID: userMistake,
  DATA_VOCABULARY_TOO_LARGE: userMistake,
  DATA_MISMATCH: userMistake,
  DATA_UNSUITABLE: userMistake,
  DATA_NOT_HERE: { ...userMistake, retry: true },
  DATA_TEXT_RULES: { ...conflict, retry: true },
  DATA_SHARD_CORRUPT: broken,
  DATA_DOCUMENT_NOT_FOUND: notFound,
  CHECKPOINT_NOT_FOUND: notFound,
  EVALUATION_NOT_FOUND: notFound,
  STEP_NOT_COMMITTED: notFound,
  CHECKPOINT_MISMATCH: userMistake,
  CHECKPOINT_CORRUPT: broken,
  CHECKPOINT_EXISTS: conflict,
  STATE_DIVERGED: transient,
  STORE_UNREACHABLE: unreachable,
  STORE_FULL: full,
  DISK_FULL: full,
  STORE_NOT_FOUND: notFound,
  STORE_CONFLICT: conflict,
  STORE_CORRUPT: broken,
  STORE_REFUSED: { ...userMistake, exitCode: 4 },
  QUEUE_UNREACHABLE: unreachable,
  QUEUE_JOB_NOT_FOUND: notFound,
  QUEUE_JOB_UNREADABLE: { ...conflict, retry: true },
  QUEUE_STALE_EPOCH: { ...conflict, retry: true },
  QUEUE_VIEW_REPLACED: { ...conflict, retry: true },
  COLLECTIVE_PEER_LOST: transient,
  COLLECTIVE_TIMEOUT: transient,
  COLLECTIVE_ABORTED: transient,
  COLLECTIVE_PROTOCOL: transient,
  COLLECTIVE_UNAUTHENTICATED: transient,
  COORDINATOR_UNREACHABLE: unreachable,
  COORDINATOR_BUSY: unreachable,
  LEDGER_BEHIND: transient,
  LEDGER_DIVERGED: broken,
  LEDGER_INVALID: broken,
  NUMERICS_NOT_FINITE: broken,
  RUN_NOT_FOUND: notFound,
  RUN_STATE_CONFLICT: conflict,
  RUN_FAILED: broken,
  MODEL_INPUT_INVALID: userMistake,
  MODEL_UNSUITABLE: userMistake,
  INFERENCE_UNAVAILABLE: unreachable,
  INFERENCE_BUSY: { retry: true, httpStatus: 503, exitCode: 1 },
  WORKER_TIMEOUT: transient,
  WORKER_FENCED: { ...conflict, retry: true },
  WORKER_NOT_FOUND: notFound,
  WORKER_LOST: { retry: true, httpStatus: 503, exitCode: 1 },
  RUNTIME_UNAVAILABLE: { retry: false, httpStatus: 500, exitCode: 6 },
  REQUEST_UNAUTHORIZED: { ...refused, httpStatus: 401, exitCode: 4 },
  REQUEST_REFUSED: refused,
  REQUEST_TOO_LARGE: { ...refused, httpStatus: 413 },
  REQUEST_TOO_FREQUENT: { ...refused, retry: true, httpStatus: 429, exitCode: 1 },
  USAGE: userMistake,
  INTERNAL: broken,
} as const satisfies Record<string, ErrorPolicy>;

export type ErrorCode = keyof typeof errorPolicies;

/** Plain fields attached to an error, safe to log and to send. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** The only error berth throws on purpose: a literal code, and a message saying what, where and how to fix it. */
export class BerthError extends Error {
  override readonly name = 'BerthError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  get policy(): ErrorPolicy {
    return errorPolicies[this.code];
  }
}

/** True for a BerthError, also one made by another copy of this package or by another thread. */
export function isBerthError(value: unknown): value is BerthError {
  return (
    value instanceof Error &&
    value.name === 'BerthError' &&
    'code' in value &&
    isErrorCode(value.code)
  );
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorPolicies, value);
}

/** True for the system's error that a disk, or a user's share of it, has no space left. */
export function isOutOfSpace(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'ENOSPC' || error.code === 'EDQUOT';
}

/** Wraps anything thrown into a BerthError; an unexpected one becomes `INTERNAL` and keeps its cause. */
export function toBerthError(value: unknown, fallback: ErrorCode = 'INTERNAL'): BerthError {
  if (isBerthError(value)) return value;
  const message = value instanceof Error ? value.message : String(value);
  if (isOutOfSpace(value))
    return new BerthError('DISK_FULL', `No space left on a disk: ${message}. Free some`, {
      cause: value,
    });
  return new BerthError(fallback, message, { cause: value });
}

/** An error as it crosses a process or thread boundary. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

export function errorToWire(value: unknown): WireError {
  const { code, message, details } = toBerthError(value);
  return { code, message, details };
}

export function errorFromWire(wire: WireError): BerthError {
  return new BerthError(wire.code, wire.message, { details: wire.details });
}
