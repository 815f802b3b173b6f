import { BerthError } from '@berth/contracts';
import type { Context, MiddlewareHandler } from 'hono';
import { hasToken, refusal, type AccessPolicy } from './access.ts';
import { clientOf } from './client-of.ts';
import { RateLimit, type Rate } from './rate-limit.ts';

/** How often one client may do what costs something. */
export interface RequestRates {
  readonly writes: Rate;
  readonly dearReads: Rate;
  /** Requests without the right token. */
  readonly badTokens: Rate;
}

export const defaultRates: RequestRates = {
  writes: { perSecond: 10, burst: 60 },
  dearReads: { perSecond: 40, burst: 200 },
  badTokens: { perSecond: 1, burst: 20 },
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

/** Lets in whoever the policy lets in. */
export function guard(policy: AccessPolicy): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const refused = refusal(policy, {
      method: context.req.method,
      host: header('host'),
      origin: header('origin'),
      fetchSite: header('sec-fetch-site'),
      fetchMode: header('sec-fetch-mode'),
    });
    if (refused !== undefined) throw refused;
    await next();
  };
}

/**
 * Asks for the token. Who has it is never kept waiting by those who guess from the same address: whatever their number, it is too
 * long to be guessed.
 */
export function requireToken(policy: AccessPolicy, rate: Rate): (context: Context) => void {
  const limitGuesses = limitRate(rate);
  return (context) => {
    if (hasToken(policy, context.req.header('authorization'))) return;
    limitGuesses(context);
    context.header('WWW-Authenticate', 'Bearer');
    throw new BerthError(
      'REQUEST_UNAUTHORIZED',
      'This needs the header `Authorization: Bearer TOKEN`: the value of BERTH_API_TOKEN, or what `berth up` keeps in .berth/api-token; ' +
        'the link that it prints carries it',
    );
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
