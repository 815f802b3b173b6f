import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, type Services } from '@berth/contracts';

/** A coordinator in a process of its own. */
export interface BenchCoordinator {
  readonly child: ChildProcess;
  readonly url: string;
}

/**
 * Starts one on any port.
 * @param preload - address of a module that it loads before its own
 * @throws Error with what it says when it cannot start
 */
export async function startCoordinator(
  services: Services,
  {
    apiToken = randomBytes(16).toString('hex'),
    preload,
  }: { readonly apiToken?: string; readonly preload?: string } = {},
): Promise<BenchCoordinator> {
  const entry = fileURLToPath(import.meta.resolve('@berth/coordinator/program'));
  const before = preload === undefined ? [] : ['--import', preload];
  const child = spawn(process.execPath, [...before, entry], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      ...environmentOfServices(services),
      BERTH_HTTP_PORT: '0',
      BERTH_API_TOKEN: apiToken,
      LOG_LEVEL: 'error',
    },
  });
  const [message] = (await once(child, 'message')) as [{ url?: string; error?: object }];
  if (message.url === undefined) throw new Error(JSON.stringify(message.error));
  return { child, url: message.url };
}
