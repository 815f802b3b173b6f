import {
  BerthError,
  describePreparation,
  isBerthError,
  type DatasetFlowJob,
  type DatasetJob,
  type MemberInfo,
  type ObjectStore,
  type PreparationProgress,
  type PreparationStage,
} from '@berth/contracts';
import {
  decideNext,
  lookWhatIsThere,
  optionsIdOf,
  putRequest,
  takeAnswer,
  tidyPlan,
  wordsFor,
  type JobAnswers,
  type NextOfDataset,
  type WhatIsThere,
} from '@berth/data';
import { isAlive } from '@berth/protocol';
import type { JobProducer } from '@berth/queue/jobs';
import type { Members, PreparationNotes } from '@berth/queue';
import { decideSight } from './decide-sight.ts';
import { waitingFor } from './waiting-for.ts';
import { PreparationMeter } from './preparation-meter.ts';

export interface DatasetFlowOptions {
  readonly store: ObjectStore;
  readonly jobs: Pick<JobProducer, 'enqueueFlow' | 'dropFlow' | 'waitForJob' | 'counts'>;
  readonly notes: Pick<PreparationNotes, 'all' | 'blind' | 'report' | 'clear'>;
  readonly members: Pick<Members, 'survey'>;
}

/** What a look at a dataset found: it is there, or how far it is. */
export type DatasetLook =
  | { readonly manifestKey: string }
  | { readonly reason: string; readonly manifestKey?: undefined };

/** A dataset that is being made. */
export interface DatasetMaking {
  /** One look. @throws BerthError with which one of its jobs failed */
  look(): Promise<DatasetLook>;
}

/** What was asked for last. */
interface Asked {
  readonly id: string;
  readonly job: DatasetFlowJob;
  readonly stage: PreparationStage;
  readonly there: WhatIsThere;
}

const reportEveryMs = 500;
/** A worker that was there so lately may be there again: a busy machine keeps one from its heartbeat for seconds. */
const metMs = 10_000;
/** A flow that waits while nothing is in the queue has lost its jobs. */
const lostAfterMs = 10_000;

/**
 * Has a dataset made by the workers: asks for what is lacking, waits until it is done, and looks again. All that it knows it finds
 * again in the bucket.
 */
export class DatasetFlow implements DatasetMaking {
  readonly #options: DatasetFlowOptions;
  readonly #request: DatasetJob;
  #requestId: string | undefined;
  #answers: JobAnswers = {};
  #keepsText = false;
  #isToBeListed = false;
  #numListedAgain = 0;
  readonly #plansLeft = new Set<string>();
  #asked: Asked | undefined;
  /** The job that has completed last: if it is lacking all the same, its result is lost. */
  #completed: string | undefined;
  readonly #meter = new PreparationMeter();
  #reportedMs = -Infinity;
  #reason = 'asking for the dataset';
  #allBlindSinceMs: number | undefined;
  readonly #met = new Map<string, { readonly info: MemberInfo; readonly atMs: number }>();
  #idleSinceMs: number | undefined;

  constructor(options: DatasetFlowOptions, request: DatasetJob) {
    this.#options = options;
    this.#request = request;
  }

  async look(): Promise<DatasetLook> {
    for (;;) {
      if (this.#asked === undefined) {
        const manifestKey = await this.#ask();
        if (manifestKey !== undefined) return this.#found(manifestKey);
      }
      const asked = this.#asked!;
      const answer = await this.#answerOf(asked);
      if (answer === undefined) return { reason: await this.#tellHowFar(asked) };
      this.#asked = undefined;
      this.#completed = asked.id;
      const { manifestKey, ...answers } = takeAnswer(this.#answers, asked.job, answer.value);
      this.#answers = answers;
      if (manifestKey !== undefined) return this.#found(manifestKey);
    }
  }

  async #found(manifestKey: string): Promise<DatasetLook> {
    const { notes, store } = this.#options;
    // Jobs of a plan that was given up may have ended after it was.
    for (const planId of this.#plansLeft) await tidyPlan(store, planId);
    await notes.clear();
    return { manifestKey };
  }

  /** Asks for what is lacking. @returns the manifest's key when nothing is */
  async #ask(): Promise<string | undefined> {
    const { store, jobs, notes } = this.#options;
    if (this.#requestId === undefined) {
      await notes.clear();
      this.#requestId = await putRequest(store, this.#request);
    }
    const optionsId = optionsIdOf(this.#request, this.#answers.given);
    const there = await lookWhatIsThere(store, this.#answers, optionsId);
    const asks = {
      request: this.#request,
      requestId: this.#requestId,
      keepsText: this.#keepsText,
    };
    const next: NextOfDataset = decideNext(asks, this.#answers, there);
    if (next.kind === 'there') return next.manifestKey;
    const { flow, stage } = next;
    const id = await jobs.enqueueFlow(flow);
    // What has completed and is lacking all the same was deleted since.
    const isListedAgain = this.#isToBeListed && stage === 'inventory';
    if (id === this.#completed || isListedAgain) await jobs.enqueueFlow(flow, { again: true });
    this.#isToBeListed = false;
    this.#asked = { id, job: flow.job, stage, there };
    return undefined;
  }

  /** What the last job of a flow has answered; undefined while it is not done. */
  async #answerOf({ id }: Asked): Promise<{ readonly value: unknown } | undefined> {
    const { jobs } = this.#options;
    try {
      return { value: await jobs.waitForJob(id, { timeoutMs: 0 }) };
    } catch (error) {
      const code = isBerthError(error) ? error.code : undefined;
      if (code === 'WORKER_TIMEOUT') return undefined;
      // What Redis has lost is asked for anew; of what failed, the rest is not done.
      this.#asked = undefined;
      if (code !== 'QUEUE_UNREACHABLE') await jobs.dropFlow(id);
      throw error;
    }
  }

  async #tellHowFar(asked: Asked): Promise<string> {
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < reportEveryMs) return this.#reason;
    this.#reportedMs = nowMs;
    const { jobs, notes, members } = this.#options;
    const [{ live, unreadable }, blind, counts] = await Promise.all([
      members.survey({ forget: false }),
      notes.blind(),
      jobs.counts(),
    ]);
    const here = live.filter(isAlive).map(({ info }) => info);
    for (const info of here) this.#met.set(info.memberId, { info, atMs: nowMs });
    for (const [memberId, { atMs }] of this.#met)
      if (nowMs - atMs >= metMs) this.#met.delete(memberId);
    const sight = decideSight({
      workers: [...this.#met.values()].map(({ info }) => info),
      blind,
      isListed: asked.there.plan !== undefined,
      readsFiles:
        asked.stage === 'inventory' || asked.stage === 'survey' || asked.stage === 'tokenise',
      keepsText: this.#keepsText,
      allBlindForMs: nowMs - (this.#allBlindSinceMs ?? nowMs),
      numListedAgain: this.#numListedAgain,
    });
    this.#allBlindSinceMs = sight.areAllBlind ? (this.#allBlindSinceMs ?? nowMs) : undefined;
    if (sight.kind === 'fail') {
      await jobs.dropFlow(asked.id);
      this.#asked = undefined;
      throw new BerthError(sight.code, sight.reason);
    }
    if (sight.kind === 'listAgain') {
      this.#numListedAgain += 1;
      // Who has none of its files will not have them then.
      if ([...blind.values()].some(({ isChanged }) => !isChanged)) this.#keepsText = true;
      await this.#listAgain(asked);
      return (this.#reason = sight.reason);
    }
    if (sight.kind === 'keepText' && asked.stage === 'survey') {
      this.#keepsText = true;
      await this.#askAnew(asked);
      return this.#reason;
    }
    if (counts.active + counts.waiting + counts.delayed > 0) this.#idleSinceMs = undefined;
    else if (nowMs - (this.#idleSinceMs ??= nowMs) >= lostAfterMs) await this.#askAnew(asked);
    const progress = await this.#progressOf(asked, nowMs, counts.active);
    await notes.report(progress);
    const isBegun = counts.active > 0 || progress.stages.some(({ numDone }) => numDone > 0);
    const waiting = isBegun ? undefined : waitingFor(here.length + unreadable.length);
    this.#reason = [sight.reason, waiting ?? describePreparation(progress) ?? this.#reason]
      .filter((text) => text !== '')
      .join('; ');
    return this.#reason;
  }

  async #listAgain(asked: Asked): Promise<void> {
    await this.#options.notes.clear();
    if (asked.there.plan !== undefined) this.#plansLeft.add(asked.there.plan.planId);
    this.#answers = {};
    this.#isToBeListed = true;
    await this.#askAnew(asked);
  }

  async #askAnew({ id }: Asked): Promise<void> {
    await this.#options.jobs.dropFlow(id);
    this.#asked = undefined;
    this.#idleSinceMs = undefined;
  }

  async #progressOf(
    { stage, there }: Asked,
    nowMs: number,
    numWorkersBusy: number,
  ): Promise<PreparationProgress> {
    return this.#meter.look({
      there,
      words: wordsFor(this.#request),
      notes: await this.#options.notes.all(),
      stage,
      nowMs,
      numWorkersBusy,
      isReady: this.#request.corpus.dataset !== undefined,
    });
  }
}
