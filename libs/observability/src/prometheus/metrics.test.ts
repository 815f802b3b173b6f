import { tasks, type MetricsLine } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { createMetrics } from './metrics.ts';

const line: MetricsLine = {
  kind: 'step',
  attempt: 1,
  step: 4,
  timeMs: 0,
  loss: 3.5,
  masked_lm_loss: 3,
  masked_lm_accuracy: 0.1,
  next_sentence_loss: 0.5,
  next_sentence_accuracy: 0.75,
  gradientNorm: 1.25,
  numTokens: 512,
  reduceMs: 20,
  computeMs: 300,
};

describe('createMetrics', () => {
  it('exposes a step in base units under the published names', async () => {
    const metrics = createMetrics({ version: '0.1.0' });
    metrics.line('run', tasks.pretraining, line);
    metrics.line('run', tasks.pretraining, { ...line, step: 5 });
    metrics.line('run', tasks.pretraining, { ...line, kind: 'eval', step: 5, loss: 2 });
    const text = await metrics.text();
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        'berth_build_info{version="0.1.0"} 1',
        'berth_train_step{run="run"} 6',
        'berth_train_loss{run="run",objective="total"} 3.5',
        'berth_train_loss{run="run",objective="masked_lm"} 3',
        'berth_eval_loss{run="run",objective="total"} 2',
        'berth_train_tokens_total{run="run"} 1024',
        'berth_grad_norm{run="run"} 1.25',
        'berth_allreduce_seconds_sum{run="run"} 0.04',
        'berth_step_phase_seconds_sum{run="run",phase="compute"} 0.6',
        'berth_step_phase_seconds_count{run="run",phase="reduce"} 2',
      ]),
    );
    expect(text).not.toContain('phase="apply"');
    expect(metrics.contentType).toMatch(/^text\/plain/);
  });

  it('drops workers that are gone', async () => {
    const metrics = createMetrics({});
    metrics.workers('run', [
      { rank: 0, isUp: true, heartbeatAgeMs: 150 },
      { rank: 1, isUp: false, heartbeatAgeMs: 1_500 },
    ]);
    expect(await metrics.text()).toContain('berth_worker_up{run="run",rank="1"} 0');
    metrics.workers('run', [{ rank: 0, isUp: true, heartbeatAgeMs: 50 }]);
    const text = await metrics.text();
    expect(text).toContain('berth_worker_heartbeat_age_seconds{run="run",rank="0"} 0.05');
    expect(text).not.toContain('rank="1"');
  });

  it('reports checkpoints and queues', async () => {
    const metrics = createMetrics({});
    metrics.checkpoint('run', { sizeBytes: 1_000, finishedAtMs: 5_000 });
    metrics.queue('berth-jobs', { waiting: 3, failed: 0 });
    const text = await metrics.text();
    expect(text).toContain('berth_checkpoint_bytes{run="run"} 1000');
    expect(text).toContain('berth_checkpoint_last_success_timestamp_seconds{run="run"} 5');
    expect(text).toContain('berth_queue_jobs{queue="berth-jobs",state="waiting"} 3');
  });

  it('counts states that differ, never backwards', async () => {
    const metrics = createMetrics({});
    for (const count of [0, 2, 1, 3]) metrics.divergences('run', count);
    expect(await metrics.text()).toContain('berth_state_divergences_total{run="run"} 3');
  });

  it('reports what a relay passes on', async () => {
    const metrics = createMetrics({});
    for (const numBytes of [500, 2_000]) metrics.relay({ numBytes, numJoined: 2 });
    const text = await metrics.text();
    expect(text).toContain('berth_relay_bytes_total 2000');
    expect(text).toContain('berth_relay_connections 2');
  });

  it('keeps the registries of two instances apart', async () => {
    const [a, b] = [createMetrics({}), createMetrics({})];
    a.line('run', tasks.pretraining, line);
    expect(await b.text()).not.toContain('run="run"');
  });
});
