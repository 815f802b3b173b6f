import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3Server } from '@berth/s3-server';

/** The embedded S3 server in a process of its own, as a bucket is elsewhere. Ends when its parent closes the pipe. */
const folder = await mkdtemp(join(tmpdir(), 'berth-bench-saving-'));
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const server = await startS3Server({ folder, ...credentials });
process.stdout.write(`${JSON.stringify({ endpoint: server.endpoint })}\n`);
process.stdin.resume().on('end', () => {
  void server
    .close()
    .then(() => rm(folder, { recursive: true, force: true }))
    .then(() => process.exit(0));
});
