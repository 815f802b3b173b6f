import {
  apiOperations,
  BerthError,
  errorToWire,
  type ApiInput,
  type ApiOperation,
  type Logger,
} from '@berth/contracts';
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { HealthCheck } from '../reports/health.ts';
import type { AccessPolicy } from './access.ts';
import { answerError } from './answer-error.ts';
import { serveDashboard } from './dashboard-files.ts';
import type { EventStreams } from './event-stream.ts';
import {
  browserHeaders,
  guard,
  limitRate,
  noStore,
  requireToken,
  type RequestRates,
} from './guard.ts';
import type { Handlers } from './handlers.ts';
import { readInput } from './read-input.ts';

export interface HttpApiOptions {
  readonly access: AccessPolicy;
  readonly rates: RequestRates;
  readonly handlers: Handlers;
  readonly events: EventStreams;
  readonly health: HealthCheck;
  /** The page for Prometheus. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  /** Where the built dashboard lies. */
  readonly dashboardFolder: string;
  readonly logger: Logger;
}

/** Ten times the longest config that there is reason for. */
const maxBodyBytes = 64 * 1_024;
const operations = Object.entries(apiOperations) as [keyof typeof apiOperations, ApiOperation][];

/** The coordinator's HTTP interface; errors are `WireError`s with the status of their policy. */
export function createHttpApi(options: HttpApiOptions): Hono {
  const { access, rates, handlers, events, health, logger } = options;
  const app = new Hono();
  const limitWrites = limitRate(rates.writes);
  const limitExpensiveReads = limitRate(rates.expensiveReads);
  const admit = requireToken(access, rates.badTokens);

  app.use(browserHeaders, noStore, guard(access));
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new BerthError('REQUEST_TOO_LARGE', `A body may have ${maxBodyBytes} bytes`);
      },
    }),
  );

  for (const [name, operation] of operations)
    app.on(operation.method, operation.path, async (context) => {
      admit(context);
      if (operation.method !== 'GET') limitWrites(context);
      else if (operation.cost === 'expensive') limitExpensiveReads(context);
      const input = await readInput(operation, context);
      if (name === 'events') return openEvents(context, input as ApiInput<'events'>);
      const handle = handlers[name] as (input: unknown) => Promise<unknown>;
      return context.json((await handle(input)) as object, operation.status ?? 200);
    });

  const openEvents = async (context: Context, { query }: ApiInput<'events'>): Promise<Response> => {
    if (query.run !== undefined)
      await handlers.run({ params: { runId: query.run }, query: {}, body: {} });
    return events.open(context, {
      runId: query.run,
      lastEventId: context.req.header('last-event-id') ?? query.lastEventId,
    });
  };

  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    const [redis, store] = await Promise.all([health.redis(), health.store()]);
    for (const { code, detail } of [redis, store])
      if (code !== undefined) throw new BerthError(code, detail);
    return context.json({ ok: true });
  });
  app.get('/metrics', async (context) => {
    admit(context);
    limitExpensiveReads(context);
    const { text, contentType } = await options.metrics();
    return context.body(text, 200, { 'Content-Type': contentType });
  });

  serveDashboard(app, options.dashboardFolder);

  app.notFound((context) => {
    const { method, path } = context.req;
    const allowed = methodsOf(path);
    if (allowed.length > 0 && !allowed.includes(method)) {
      context.header('Allow', allowed.join(', '));
      const error = new BerthError(
        'USAGE',
        `${path} takes ${allowed.join(' and ')}, not ${method}`,
      );
      return context.json(errorToWire(error), 405);
    }
    return context.json(
      errorToWire(new BerthError('USAGE', `No such path: ${method} ${path}`)),
      404,
    );
  });
  app.onError((error, context) => answerError(error, context, logger));
  return app;
}

const patterns = operations.map(([, { method, path }]) => ({
  method,
  pattern: new RegExp(`^${path.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, '[^/]+')}$`),
}));

function methodsOf(path: string): string[] {
  return patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
}
