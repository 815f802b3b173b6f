import {
  BerthError,
  controlRequestSchema,
  controls,
  controlSchema,
  errorToWire,
  parseRunConfig,
  submitRequestSchema,
  toBerthError,
  type Logger,
} from '@berth/contracts';
import { Hono } from 'hono';
import type { RunService } from './run-service.ts';

export interface HttpApiOptions {
  readonly runs: RunService;
  /** Rejects when a dependency does not answer. */
  readonly checkReady: () => Promise<void>;
  readonly logger: Logger;
}

/** The coordinator's HTTP interface; errors are `WireError`s with the status of their policy. */
export function createHttpApi({ runs, checkReady, logger }: HttpApiOptions): Hono {
  const app = new Hono();
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/readyz', async (context) => {
    await checkReady();
    return context.json({ ok: true });
  });
  app.get('/api/runs', async (context) => context.json(await runs.list()));
  app.post('/api/runs', async (context) => {
    const body = submitRequestSchema.safeParse(await context.req.json().catch(() => undefined));
    if (!body.success)
      throw new BerthError('USAGE', 'The body must be JSON: {"config": {...}, "goal": "trained"}');
    const config = parseRunConfig(body.data.config, 'request');
    return context.json(await runs.submit(config, body.data.goal), 201);
  });
  app.get('/api/runs/:runId', async (context) =>
    context.json(await runs.report(context.req.param('runId'))),
  );
  app.get('/api/runs/:runId/metrics', async (context) =>
    context.json(await runs.metrics(context.req.param('runId'), context.req.query('after') ?? '')),
  );
  app.post('/api/runs/:runId/controls/:control', async (context) => {
    const control = controlSchema.safeParse(context.req.param('control'));
    const request = controlRequestSchema.safeParse(await context.req.json().catch(() => ({})));
    if (!control.success) throw new BerthError('USAGE', `Controls are ${controls.join(', ')}`);
    if (!request.success) throw new BerthError('USAGE', 'The body must be JSON: {"fromStep": 40}');
    const { runId } = context.req.param();
    return context.json(await runs.control(runId, control.data, request.data));
  });
  app.notFound((context) => {
    const error = new BerthError(
      'USAGE',
      `No such path: ${context.req.method} ${context.req.path}`,
    );
    return context.json(errorToWire(error), 404);
  });
  app.onError((error, context) => {
    const known = toBerthError(error);
    if (known.code === 'INTERNAL')
      logger.error('Request failed', { path: context.req.path, error });
    return context.json(errorToWire(known), known.policy.httpStatus);
  });
  return app;
}
