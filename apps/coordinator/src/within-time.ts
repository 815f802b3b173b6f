import { BerthError, type ErrorCode } from '@berth/contracts';

/** Rejects with a code once something takes too long; what it does then is nobody's business any more. */
export async function withinTime<T>(
  task: Promise<T>,
  limit: { readonly timeoutMs: number; readonly code: ErrorCode; readonly what: string },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new BerthError(limit.code, `${limit.what} did not answer within ${limit.timeoutMs} ms`),
        ),
      limit.timeoutMs,
    );
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    clearTimeout(timer);
  }
}
