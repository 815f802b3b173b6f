import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectRedis, createLogStream, openLogSink } from '@berth/queue';
import { startTestRedis, temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { Supervised, type Exit } from './supervised-process.ts';
import { reportDeath } from './report-death.ts';

const program = `
process.send({ memberId: 'worker-1-abc' });
console.error('{"time":"2026-01-01T00:00:00.000Z","level":"info","message":"mine"}');
process.stderr.write('2026-01-01 00:00:00 F tensorflow/core/tensor.cc:1] Check failed: ');
setTimeout(() => { process.stderr.write('dtype() == expected\\n'); process.abort(); }, 50);
`;

it("what a native library says as it kills a process ends up in the process's log", async () => {
  const [redis, folder] = [await startTestRedis(), await temporaryFolder()];
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const sink = openLogSink(redis.url);
  const entry = join(folder.path, 'abort.mjs');
  writeFileSync(entry, program);
  const exits: Exit[] = [];
  const child = new Supervised({
    name: 'worker-1',
    entry,
    env: {},
    logFolder: folder.path,
    readyTimeoutMs: 10_000,
    say: () => undefined,
    onRestart: (exit) => exits.push(exit),
  });
  onTestFinished(async () => {
    await child.stop();
    sink.close();
    connection.close();
    await redis.stop();
    await folder.remove();
  });
  await child.start();
  const exit = await waitFor(() => exits[0], { what: 'the end' });
  expect(exit.how).toBe('ended with SIGABRT');
  await reportDeath('worker-1', exit, sink);
  const [line] = await createLogStream(connection).lastLinesOf('worker-1-abc', 5);
  expect(line?.message).toBe(
    'worker-1 ended with SIGABRT; its last words: ' +
      '2026-01-01 00:00:00 F tensorflow/core/tensor.cc:1] Check failed: dtype() == expected',
  );
  expect(JSON.stringify(line)).not.toContain('mine');
});
