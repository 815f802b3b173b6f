import { BerthError } from '@berth/contracts';
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Context, MiddlewareHandler } from 'hono';
import { refusal, type AccessPolicy } from './access.ts';
import { RateLimit, type Rate } from './rate-limit.ts';

/** How often one client may do what costs something. */
export interface RequestRates {
  readonly writes: Rate;
  readonly dearReads: Rate;
}

export const defaultRates: RequestRates = {
  writes: { perSecond: 10, burst: 60 },
  dearReads: { perSecond: 40, burst: 200 },
};

const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Lets in whoever the policy lets in, and adds what browsers must know. */
export function guard(policy: AccessPolicy): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const refused = refusal(policy, {
      method: context.req.method,
      host: header('host'),
      origin: header('origin'),
      fetchSite: header('sec-fetch-site'),
      authorization: header('authorization'),
    });
    if (refused?.code === 'REQUEST_UNAUTHORIZED') context.header('WWW-Authenticate', 'Bearer');
    if (refused !== undefined) throw refused;
    await next();
  };
}

/** Adds to every answer what browsers must know. */
export const secureHeaders: MiddlewareHandler = async (context, next) => {
  await next();
  const { headers } = context.res;
  headers.set('X-Content-Type-Options', 'nosniff');
  headers.set('X-Frame-Options', 'DENY');
  headers.set('Referrer-Policy', 'no-referrer');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  headers.set('Content-Security-Policy', pagePolicy);
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
};

/** Limits how often a client may call. */
export function limitRate(rate: Rate): (context: Context) => void {
  const limit = new RateLimit(rate);
  return (context) => {
    const waitMs = limit.take(clientOf(context), performance.now());
    if (waitMs === 0) return;
    const seconds = Math.ceil(waitMs / 1_000);
    context.header('Retry-After', String(seconds));
    throw new BerthError('REQUEST_TOO_FREQUENT', `Too many requests; wait ${seconds} s`);
  };
}

function clientOf(context: Context): string {
  const hasSocket = typeof context.env === 'object' && 'incoming' in context.env;
  return hasSocket ? (getConnInfo(context).remote.address ?? '') : '';
}
