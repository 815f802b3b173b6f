import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  errorToWire,
  isFinal,
  resolveModelConfig,
  type Logger,
  type ObjectStore,
  type RunRecord,
  type View,
} from '@berth/contracts';
import type { PeerNode } from '@berth/collectives';
import { readDatasetManifest } from '@berth/data';
import {
  createCheckpointIndex,
  createExampleIndex,
  createLedger,
  createMetricsLog,
  createRendezvous,
  createRuns,
  createViews,
  type RedisConnection,
} from '@berth/queue';
import { createCheckpointSaver, createExampleSource, Member, numParameters } from '@berth/training';
import { createExampleShards } from './example-shards.ts';
import { peerPort } from './peer-port.ts';
import type { Runtime } from './runtime.ts';
import type { SelfPortrait } from './worker.ts';

export interface RunSessionPorts {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly runtime: Runtime;
  readonly peers: PeerNode;
  readonly logger: Logger;
  readonly portrait: SelfPortrait;
}

const settleTimeoutMs = 60_000;
const shardTimeoutMs = 300_000;
const lookMs = 500;

/** This worker's part in one run, from the first view that names it until the run is over. */
export class RunSession {
  readonly #ports: RunSessionPorts;
  readonly #runId: string;
  readonly #memberId: string;
  readonly #member: Member;
  #view: View | undefined;
  #following: AbortController | undefined;

  /** Opens an engine for the run's model and wires the member's ports. */
  static async open(
    ports: RunSessionPorts,
    { memberId, record }: { readonly memberId: string; readonly record: RunRecord },
  ): Promise<RunSession> {
    const { connection, store, runtime, peers, logger, portrait } = ports;
    const { runId, config, manifestKey, exampleSetId } = record;
    if (manifestKey === null || exampleSetId === null)
      throw new BerthError('INTERNAL', `Run ${runId} has no dataset`);
    const manifest = await readDatasetManifest(store, manifestKey);
    const model = resolveModelConfig(config.model, manifest.vocabulary.numTokens);
    const { examples, train, seed, optimizer } = config;
    const microBatch = train.microBatch ?? train.globalBatch / train.virtualRanks;
    const engine = await runtime.openEngine({
      model,
      optimizer,
      train,
      seed,
      shape: {
        batchSize: microBatch,
        seqLength: examples.maxSeqLength,
        numPredictions: examples.maxPredictions,
      },
    });
    const shards = createExampleShards({
      index: createExampleIndex(connection, exampleSetId),
      store,
      timeoutMs: shardTimeoutMs,
      numKept: 2 * examples.shuffleWindowShards + 2,
      signal: new AbortController().signal,
    });
    const ledger = createLedger(connection, runId);
    const rendezvous = createRendezvous(connection, runId);
    const checkpointIndex = createCheckpointIndex(connection, runId);
    const metrics = createMetricsLog(connection, runId);
    const member = new Member(
      {
        engine,
        peers: peerPort(peers, numParameters(engine.layout)),
        ledger,
        rendezvous,
        examples: createExampleSource({
          seed,
          numShards: manifest.train.length,
          shuffleWindowShards: examples.shuffleWindowShards,
          maxSeqLength: examples.maxSeqLength,
          maxPredictions: examples.maxPredictions,
          globalBatch: train.globalBatch,
          virtualRanks: train.virtualRanks,
          microBatch,
          shards,
        }),
        heldOut: () => shards.heldOut(),
        checkpoints: createCheckpointSaver({
          store,
          ledger,
          rendezvous,
          layout: engine.layout,
          memberId,
          record,
          model,
          datasetId: manifest.datasetId,
          exampleSetId,
          numerics: runtime.numerics,
          onSaved: (step, manifestKey) => checkpointIndex.note({ step, manifestKey }),
          onDeleted: (step) => checkpointIndex.forget(step),
          logger,
        }),
        reporter: {
          step: (step) => {
            portrait.step = step;
          },
          metrics: (line) => {
            metrics
              .append(line)
              .catch((error: unknown) =>
                logger.warn('Lost a metrics line', { error: errorToWire(error) }),
              );
          },
        },
        logger,
      },
      { runId, memberId, config, settleTimeoutMs },
    );
    return new RunSession(ports, runId, memberId, member);
  }

  private constructor(ports: RunSessionPorts, runId: string, memberId: string, member: Member) {
    this.#ports = ports;
    this.#runId = runId;
    this.#memberId = memberId;
    this.#member = member;
  }

  /** Follows the run's views until it is over or the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const watching = createViews(this.#ports.connection, this.#runId).subscribe(
      (view) => {
        this.#view = view;
        this.#following?.abort(
          new BerthError('COLLECTIVE_ABORTED', `View ${view.version} has come: ${view.reason}`),
        );
      },
      { signal: either },
    );
    let done = 0;
    while (!either.aborted) {
      const view = this.#view;
      if (view === undefined || view.version === done || !this.#isIn(view)) {
        if (await this.#isOver()) ended.abort();
        else await sleep(view?.version === done ? lookMs / 5 : lookMs / 10);
        continue;
      }
      done = view.version;
      await this.#follow(view, signal);
    }
    await watching;
    Object.assign(this.#ports.portrait, { state: 'idle', runId: null, step: -1, complaint: null });
  }

  async #follow(view: View, signal: AbortSignal): Promise<void> {
    const { portrait, logger } = this.#ports;
    this.#following = new AbortController();
    portrait.state = 'training';
    portrait.runId = this.#runId;
    portrait.complaint = null;
    try {
      await this.#member.follow(view, AbortSignal.any([signal, this.#following.signal]));
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('A view ended', { version: view.version, error: errorToWire(error) });
      portrait.complaint = this.#member.complaintAbout(view, error);
    } finally {
      this.#following = undefined;
      portrait.state = 'idle';
    }
  }

  #isIn(view: View): boolean {
    return view.members.some((member) => member.memberId === this.#memberId);
  }

  /** True when the run has ended, or another one is active. */
  async #isOver(): Promise<boolean> {
    const runs = createRuns(this.#ports.connection);
    try {
      if ((await runs.active()) !== this.#runId) return true;
      const record = await runs.read(this.#runId);
      return record === undefined || isFinal(record.status);
    } catch (error) {
      this.#ports.logger.debug('Cannot look at the run', { error: errorToWire(error) });
      return false;
    }
  }
}
