import { BerthError, errorToWire, toBerthError, type Logger } from '@berth/contracts';
import type { Context } from 'hono';

/** Answers with a WireError and the status of its policy; what nobody expected is logged and told without details. */
export function answerError(error: unknown, context: Context, logger: Logger): Response {
  const known = toBerthError(error);
  if (known.code !== 'INTERNAL') return context.json(errorToWire(known), known.policy.httpStatus);
  const { method, path } = context.req;
  logger.error('A request failed', {
    method,
    path,
    error: errorToWire(known),
    stack: error instanceof Error ? (error.stack ?? null) : null,
  });
  const told = new BerthError('INTERNAL', 'The request failed; the coordinator has logged why');
  return context.json(errorToWire(told), 500);
}
