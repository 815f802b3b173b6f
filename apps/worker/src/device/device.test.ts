import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@berth/contracts';
import {
  connectRedis,
  redisServerPrograms,
  startRedisServer,
  type RedisConnection,
  type RedisProcess,
} from '@berth/queue';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chooseDevice, noGpuMessage, type DevicePreference } from './device.ts';

let server: RedisProcess;
let connection: RedisConnection;
const path = process.env['PATH'];
const folder = mkdtempSync(join(tmpdir(), 'berth-device-'));

beforeAll(async () => {
  server = await startRedisServer({ programs: redisServerPrograms(process.env) });
  connection = await connectRedis(server.url, { role: 'producer' });
});

afterAll(async () => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
  connection.close();
  await server.stop();
});

/** Puts a driver's listing of two GPUs on PATH. */
function pretendGpus(): void {
  const program = join(folder, 'nvidia-smi');
  writeFileSync(program, '#!/bin/sh\necho "0, GPU-a, H100"\necho "1, GPU-b, H100"\n');
  chmodSync(program, 0o755);
  process.env['PATH'] = `${folder}:${path}`;
}

const choose = (
  preference: DevicePreference,
  memberId: string,
  env: NodeJS.ProcessEnv = {},
): ReturnType<typeof chooseDevice> =>
  chooseDevice(preference, {
    connection,
    memberId,
    env,
    logger: silentLogger,
    waitForGpuMs: 100,
  });

describe('chooseDevice', () => {
  it('refuses without a GPU when one is asked for, and takes the CPU when it may', async () => {
    process.env['PATH'] = '/nonexistent';
    await expect(choose('gpu', 'w0')).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: noGpuMessage,
    });
    expect(await choose('auto', 'w0')).toMatchObject({ kind: 'auto' });
  });

  it('gives each worker a GPU of its own before TensorFlow loads', async () => {
    pretendGpus();
    const envs: [NodeJS.ProcessEnv, NodeJS.ProcessEnv] = [{}, {}];
    const devices = [await choose('gpu', 'w1', envs[0]), await choose('gpu', 'w2', envs[1])];
    expect(envs.map((env) => env['CUDA_VISIBLE_DEVICES'])).toEqual(['GPU-a', 'GPU-b']);
    const shared: NodeJS.ProcessEnv = {};
    expect(await choose('auto', 'w3', shared)).toMatchObject({ kind: 'auto' });
    expect(shared).toEqual({});
    await devices[0]?.release();
    expect(await choose('gpu', 'w4')).toMatchObject({ kind: 'gpu' });
  });

  it('says how many workers to start when all GPUs are taken', async () => {
    pretendGpus();
    await expect(choose('gpu', 'w5')).rejects.toThrow('--scale worker=2');
  });
});
