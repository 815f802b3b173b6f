import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, type MetricsLine } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import {
  afterLine,
  TrainerStatusReport,
  trainerStatusOf,
  type Progress,
  type TrainerStatus,
} from './trainer-status.ts';

const lineOf = (step: number, more: Partial<MetricsLine> = {}): MetricsLine => ({
  kind: 'step',
  attempt: 1,
  step,
  timeMs: 1_000 * step,
  loss: 2.5,
  numTokens: 64,
  ...more,
});

it('tells how far a run is, how long it takes yet, and what was measured', () => {
  const lines = [
    lineOf(8),
    lineOf(9),
    lineOf(10, { kind: 'eval', loss: 3, masked_lm_accuracy: 0.25 }),
    lineOf(11, { learningRate: 1e-4, timeMs: 12_000 }),
  ];
  const progress = lines.reduce<Progress | undefined>(
    (before, line) => afterLine(before, line, 30),
    undefined,
  );
  // The pace was 1 s a step and is 1.5 s now.
  expect(trainerStatusOf(progress!, new Date('2026-11-30T07:00:00Z'))).toEqual({
    progressPercentage: 40,
    estimatedRemainingSeconds: 19,
    metrics: [
      { name: 'loss', value: '2.5' },
      { name: 'learningRate', value: '0.0001' },
      { name: 'eval_loss', value: '3' },
      { name: 'eval_masked_lm_accuracy', value: '0.25' },
    ],
    lastUpdatedTime: '2026-11-30T07:00:00.000Z',
  });
  const first = trainerStatusOf(afterLine(undefined, lineOf(0), 30), new Date());
  expect(first).not.toHaveProperty('estimatedRemainingSeconds');
});

it('tells a real server now and then, with the token of the time, and the end of a run', async () => {
  const { place, reports, tokenFile } = await startServer();
  const report = new TrainerStatusReport(place, silentLogger, { intervalMs: 200 });
  report.tell(lineOf(0), 4);
  await reports.wait(1);
  // Newer ones replace each other until it is time.
  report.tell(lineOf(1), 4);
  report.tell(lineOf(2), 4);
  writeFileSync(tokenFile, 'second\n');
  await reports.wait(2);
  report.tell(lineOf(3), 4);
  await report.close();
  expect(reports.all.map(({ token, status }) => [token, status.progressPercentage])).toEqual([
    ['Bearer first', 25],
    ['Bearer second', 75],
    ['Bearer second', 100],
  ]);
  const gaps = reports.all.slice(1).map(({ atMs }, index) => atMs - reports.all[index]!.atMs);
  expect(Math.min(...gaps)).toBeGreaterThan(150);
});

it('neither waits nor fails where nobody answers, or the server is not who it should be', async () => {
  const { place, reports } = await startServer();
  const stranger = new TrainerStatusReport({ ...place, caFile: undefined }, silentLogger);
  stranger.tell(lineOf(3), 4);
  const gone = new TrainerStatusReport({ ...place, tokenFile: '/nowhere' }, silentLogger);
  gone.tell(lineOf(3), 4);
  await Promise.all([stranger.close(), gone.close()]);
  expect(reports.all).toEqual([]);
});

interface Report {
  readonly token: string | undefined;
  readonly status: TrainerStatus;
  readonly atMs: number;
}

/** A server as Trainer has it, with a certificate that only its own authority file vouches for. */
async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), 'berth-trainer-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [keyFile, caFile, tokenFile] = ['key', 'ca.crt', 'token'].map((name) => join(folder, name));
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=trainer -addext subjectAltName=IP:127.0.0.1';
  execFileSync('openssl', [...words.split(' '), '-keyout', keyFile!, '-out', caFile!], {
    stdio: 'ignore',
  });
  writeFileSync(tokenFile!, 'first\n');
  const all: Report[] = [];
  const server = createServer(
    { key: readFileSync(keyFile!), cert: readFileSync(caFile!) },
    (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const { trainerStatus } = JSON.parse(body) as { trainerStatus: TrainerStatus };
        const token = request.headers.authorization;
        all.push({ token, status: trainerStatus, atMs: performance.now() });
        response.end();
        server.emit('report');
      });
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    place: { url: `https://127.0.0.1:${port}/status`, caFile, tokenFile },
    tokenFile: tokenFile!,
    reports: {
      all,
      async wait(count: number): Promise<void> {
        while (all.length < count) await once(server, 'report');
      },
    },
  };
}
