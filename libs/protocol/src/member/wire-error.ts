import type { ErrorCode, WireError } from '@berth/contracts';

/** An error of the protocol's own. */
export function wireError(
  code: ErrorCode,
  message: string,
  details: WireError['details'] = {},
): WireError {
  return { code, message, details };
}
