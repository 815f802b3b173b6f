import { z } from 'zod';
import { endpointVariable, portVariable, timeVariable } from './read-variables.ts';

/** What a coordinator reads from its environment, beside services; apps/coordinator/README.md says what each is. */
export const coordinatorVariables = z.object({
  BERTH_HTTP_HOST: z.string().default('127.0.0.1'),
  BERTH_HTTP_PORT: portVariable.default(7700),
  BERTH_HTTP_NAMES: z.string().optional(),
  BERTH_API_TOKEN: z.string().optional(),
  BERTH_RELAY_HOST: z.string().default('127.0.0.1'),
  BERTH_RELAY_PORT: portVariable.default(0),
  BERTH_RELAY_ADVERTISE: endpointVariable.optional(),
  /** Set by whoever starts a cluster for one run: its name, and since when it counts. */
  BERTH_OWN_RUN: z.string().optional(),
  BERTH_OWN_SINCE_MS: timeVariable.default(0),
});
