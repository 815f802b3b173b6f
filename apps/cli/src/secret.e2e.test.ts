import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { environmentOfServices } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../../worker/bin/worker.js', import.meta.url));

it('a worker without a secret does not start, and says how to make one', async () => {
  const nowhere = { endpoint: 'http://127.0.0.1:1', region: 'r', bucket: 'berth', prefix: '' };
  const s3 = { ...nowhere, accessKeyId: 'a', secretAccessKey: 'b' };
  const { BERTH_SECRET: _secret, BERTH_SECRET_FILE: _file, ...rest } = process.env;
  const services = environmentOfServices({ redisUrl: 'redis://127.0.0.1:1', s3 });
  const worker = spawn(process.execPath, [program], {
    env: { ...rest, NODE_OPTIONS: '', ...services },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void worker.kill('SIGKILL'));
  const output = await text(worker.stderr);
  expect(output.trim().split('\n')).toEqual([
    expect.stringMatching(/BERTH_SECRET is not set.*openssl rand -hex 32/),
  ]);
  expect(worker.exitCode ?? (await once(worker, 'exit'))[0]).toBe(2);
});
