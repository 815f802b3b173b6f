import { mkdtemp, rm } from 'node:fs/promises';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startHttpProxy } from '@berth/faults';
import { startS3Server } from '@berth/s3-server';

/**
 * The embedded S3 server in a process of its own, at the lowest priority: a bucket is elsewhere and takes no processor from
 * training. `away` and `back` cut and mend the way to it. Ends when its parent closes the pipe.
 */
setPriority(constants.priority.PRIORITY_LOW);
const folder = await mkdtemp(join(tmpdir(), 'berth-bench-saving-'));
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const server = await startS3Server({ folder, ...credentials });
let isAway = false;
const proxy = await startHttpProxy(server.endpoint, () => (isAway ? 'reset' : 'pass'));
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const answer = (): boolean =>
  process.stdout.write(
    `${JSON.stringify({ endpoint: server.endpoint, faulty: proxy.url, cpuMs: cpuMs() })}\n`,
  );
answer();
for await (const line of createInterface({ input: process.stdin })) {
  isAway = line === 'away';
  answer();
}
await proxy.close();
await server.close();
await rm(folder, { recursive: true, force: true });
process.exit(0);
