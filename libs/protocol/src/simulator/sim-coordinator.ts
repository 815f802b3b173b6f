import type { Attempts } from '@berth/checkpoint';
import { assignBlocks } from '@berth/collectives';
import type { LedgerEntry, View, WireError } from '@berth/contracts';
import { decideLease, memberTtlMs, type Holding, type LeaseAnswer } from '../index.ts';
import {
  coordinationTimes,
  decideRun,
  foundDamaged,
  newRunMemory,
  runPatience,
  type RunDecision,
  type RunMemory,
  type RunRules,
  type RunSight,
} from '../index.ts';
import { noSimRequests, type RedisModel, type SimRecord, type SimRequests } from './redis-model.ts';
import { runScript, type Call, type Script } from './script.ts';
import { stepTimeoutMs } from './sim-member.ts';
import { SimProcess } from './sim-process.ts';
import type { SimBranch, SimManifest, StoreModel } from './store-model.ts';
import {
  numSteps,
  runId,
  runNumerics,
  simError,
  virtualRanks,
  type StoreCall,
  type World,
} from './world.ts';

const { leaseTtlMs, tickMs, afterNewsMs, outageGraceMs, afterErrorMs, trustedAnswerMs } =
  coordinationTimes;
/** Fewer than production's, as runs are short: a restore can end half-way. */
const entriesPerPage = 7;

const rules: RunRules = {
  numSteps,
  virtualRanks,
  minWorkers: 1,
  wantedWorkers: 2,
  ...runPatience,
  stepTimeoutMs,
};

/** One time of holding the lease; nothing remembered about Redis outlives it. */
interface Term {
  readonly fencingEpoch: number;
  readonly serverEpoch: number;
  /** Attempt that what follows is remembered of, as a supervisor is for one. */
  readonly attempt: number;
  /** Occasions at which the past was looked for in the bucket. */
  readonly restoredFor: Set<string>;
  memory: RunMemory;
}

/** A coordinator process: the lease, and one look after the other as `controller.ts` and `run-supervisor.ts` take them. */
export class SimCoordinator {
  readonly process: SimProcess;
  readonly #world: World;
  #holding: Holding = { epoch: undefined, renewedMs: -Infinity };
  #newestEpoch = 0;
  #term: Term | undefined;
  #serverEpoch = 0;
  /** The record as it was read. */
  #record: SimRecord | undefined;
  #isAfterOutage = false;
  #lenientUntilMs = -Infinity;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new SimProcess(name, world.clock);
    this.#renew();
    this.#tick();
  }

  #renew(): void {
    const { clock, trace } = this.#world;
    const sentMs = clock.nowMs;
    const decide = (answer: LeaseAnswer | 'unreachable'): void => {
      const times = { sentMs, nowMs: clock.nowMs, ttlMs: leaseTtlMs };
      const decision = decideLease(this.#holding, answer, times);
      this.#holding = decision.holding;
      if (answer !== 'unreachable') {
        this.#newestEpoch = Math.max(this.#newestEpoch, answer.fencingEpoch);
        if (answer.held) this.#serverEpoch = answer.serverEpoch;
      }
      if (decision.event !== 'none') trace.note(this.process.name, `lease: ${decision.reason}`);
      this.process.after(leaseTtlMs / 3, () => this.#renew());
    };
    this.#world.call(
      this.process,
      (redis, nowMs) =>
        redis.acquireLease(
          nowMs,
          this.process.name,
          leaseTtlMs,
          this.#newestEpoch,
          this.#world.timeMs,
        ),
      decide,
      () => decide('unreachable'),
    );
  }

  /** Looks again after a while, or soon after news of a member. */
  #tick(): void {
    let isDue = true;
    const look = (): void => {
      if (!isDue) return;
      isDue = false;
      this.#world.memberHints.delete(lookSoon);
      runScript(this.#look(), (error) => this.#looked(error));
    };
    const lookSoon = (): void => this.process.after(afterNewsMs, look);
    this.#world.memberHints.add(lookSoon);
    this.process.after(tickMs, look);
  }

  #looked(error: WireError | undefined): void {
    if (error === undefined) {
      this.#tick();
      return;
    }
    this.#world.trace.note(this.process.name, `delayed: ${error.message}`);
    this.#isAfterOutage = error.code === 'QUEUE_UNREACHABLE';
    if (error.code === 'QUEUE_STALE_EPOCH')
      this.#newestEpoch = Math.max(this.#newestEpoch, Number(error.details['newest']));
    this.process.after(afterErrorMs, () => this.#tick());
  }

  *#look(): Script {
    if (this.#isAfterOutage) {
      yield this.#redis((redis) => redis.record);
      this.#lenientUntilMs = this.#world.clock.nowMs + outageGraceMs;
      this.#isAfterOutage = false;
    }
    const fencingEpoch = this.#holding.epoch;
    if (fencingEpoch === undefined) return;
    if (this.#term?.fencingEpoch !== fencingEpoch) {
      const serverEpoch = this.#serverEpoch;
      const copy = (yield this.#store((store) => store.archived)) as SimRecord | undefined;
      const isOlder = serverEpoch === fencingEpoch && !this.#isBlind;
      if (copy !== undefined) yield this.#redis((redis) => redis.putBack(copy, { isOlder }));
      this.#term = { fencingEpoch, serverEpoch, ...this.#newSupervision(0) };
    }
    const record = (yield this.#redis((redis) => redis.record)) as SimRecord;
    this.#record = record;
    if (this.#term.attempt !== record.attempt)
      this.#term = {
        fencingEpoch,
        serverEpoch: this.#term.serverEpoch,
        ...this.#newSupervision(record.attempt),
      };
    const { requests } = record;
    const status = record.status as RunSight['status'] | undefined;
    if (status === undefined || !isActive(status)) return;
    yield this.#store((store) => store.archive(record));
    if (requests.cut !== undefined && status === 'starting') {
      yield* this.#cut(this.#term, requests, requests.cut);
      return;
    }
    if (requests.kill && status === 'stopping') {
      const numCommitted = (yield this.#redis((redis) => redis.ledger.length)) as number;
      const view = (yield this.#redis((redis) => redis.view)) as RunSight['view'];
      const damage = foundDamaged(view, yield* this.#liveMembers(), numCommitted);
      if (damage !== undefined) {
        yield* this.#goBack(this.#term, status, { numCommitted, reason: damage.reason });
        return;
      }
      yield* this.#fence(this.#term, 'killed');
      yield* this.#change(this.#term, {
        status: 'stopped',
        requests: { ...noSimRequests, cut: requests.cut },
      });
      return;
    }
    yield* this.#restore(this.#term);
    yield* this.#supervise(this.#term, status, requests);
  }

  #newSupervision(attempt: number): Pick<Term, 'attempt' | 'restoredFor' | 'memory'> {
    return { attempt, restoredFor: new Set(), memory: newRunMemory(this.#world.clock.nowMs) };
  }

  /** As `RunHistory.cut` does it. */
  *#cut(
    term: Term,
    requests: SimRequests,
    { toStep, askedAtMs }: NonNullable<SimRequests['cut']>,
  ): Script {
    const { attempts = [], attempt = 1 } = this.#record ?? {};
    const fence = yield* this.#fence(term, `going back to step ${toStep}`);
    const known = (yield this.#store((store) => store.branches.get(askedAtMs))) as
      SimBranch | undefined;
    yield* this.#restoreLedger(term, known === undefined ? attempts.slice(0, -1) : attempts);
    const branch = known ?? { toStep, madeAt: fence };
    if (known === undefined) {
      if (!(yield* this.#pin(term, toStep))) {
        const kept = attempts.map((one) =>
          one.attempt === attempt ? { ...one, wentBackTo: undefined } : one,
        );
        const change = { requests: { ...requests, cut: undefined }, attempts: kept };
        yield* this.#change(term, { status: 'stopped', ...change });
        return;
      }
      yield this.#store((store) => store.branches.set(askedAtMs, branch));
    }
    yield* this.#cutLedger(term, branch);
    this.#world.invariants.saved(attempt, toStep);
    yield this.#redis((redis) => redis.forgetCheckpoints(attempts));
    yield* this.#change(term, { requests: { ...requests, cut: undefined } });
    this.#world.trace.note(this.process.name, `went back to step ${toStep}`);
  }

  *#cutLedger(term: Term, { toStep, madeAt }: SimBranch): Script {
    const refusal = (yield this.#redis((redis) => {
      const result = redis.cut(toStep, madeAt, term.fencingEpoch);
      if (result === undefined) this.#world.invariants.wentBack(redis.ledger.length);
      return result;
    })) as ReturnType<RedisModel['cut']>;
    if (refusal !== undefined) throw stale(refusal.newest);
  }

  /** As `pinCheckpoint` does it. */
  *#pin({ fencingEpoch }: Term, step: number): Generator<Call, boolean, unknown> {
    const { attempts = [], attempt = 1 } = this.#record ?? {};
    const found = (yield this.#store(
      (store) => store.onLine(attempts).findLast((one) => one.step === step),
      'list',
    )) as SimManifest | undefined;
    // The beginning needs no checkpoint.
    if (found === undefined) return step === 0;
    if (this.#world.sabotage === 'no-pin') return true;
    const line = { attempt, fencingEpoch };
    const key = this.#world.keyOf(line, step);
    yield this.#store((store) => store.putManifest({ ...found, ...line, key }), 'put');
    return true;
  }

  *#fence(term: Term, reason: string): Generator<Call, View, unknown> {
    const before = (yield this.#redis((redis) => redis.view)) as View | undefined;
    if (before?.members.length === 0) return before;
    return yield* this.#publish(term, before, { members: [], mode: 'train', reason });
  }

  /** After a total loss of Redis the ledger comes back from the newest checkpoint. */
  *#restore(term: Term, reason = ''): Script {
    if (term.restoredFor.has(reason) || this.#world.sabotage === 'no-restore') return;
    if (this.#world.sabotage !== 'no-cut-again') {
      // A Redis that came back older may hold again what was cut off.
      const branches = (yield this.#store((store) => [...store.branches.values()])) as SimBranch[];
      for (const branch of branches) yield* this.#cutLedger(term, branch);
    }
    const manifest = yield* this.#restoreLedger(term, this.#record?.attempts ?? []);
    if (manifest !== undefined)
      yield this.#redis((redis) => redis.noteCheckpoint(manifest.step, manifest.attempt));
    term.restoredFor.add(reason);
  }

  *#restoreLedger(
    term: Term,
    attempts: Attempts,
  ): Generator<Call, SimManifest | undefined, unknown> {
    const manifest = (yield this.#store((store) => store.newestValid(attempts), 'list')) as
      SimManifest | undefined;
    if (manifest === undefined) return undefined;
    const { step, entries } = manifest;
    const numCommitted = (yield this.#redis((redis) => redis.ledger.length)) as number;
    const isBack =
      this.#world.sabotage === 'half-restore' ? numCommitted > 0 : numCommitted >= step;
    if (!isBack) yield* this.#putBack(term, entries, numCommitted);
    return manifest;
  }

  /** Page by page, as `Ledger.restore` does it: whoever dies over it leaves a part. */
  *#putBack(term: Term, entries: readonly LedgerEntry[], numCommitted: number): Script {
    const numSteps = entries.length;
    this.#world.invariants.restores(numSteps);
    for (let end = numCommitted; end < numSteps;) {
      end = Math.min(numSteps, end + entriesPerPage);
      const page = entries.slice(0, end);
      const result = (yield this.#redis((redis) =>
        redis.restore(page, term.fencingEpoch),
      )) as ReturnType<RedisModel['restore']>;
      this.#world.trace.note(this.process.name, `restore of ${end} steps: ${result.kind}`);
      if (result.kind === 'stale') throw stale(result.newest);
      if (result.kind !== 'restored')
        throw new Error(`I6: the ledger cannot be restored: ${result.kind}`);
    }
  }

  *#supervise(term: Term, status: RunSight['status'], requests: SimRequests): Script {
    const numCommitted = (yield this.#redis((redis) => redis.ledger.length)) as number;
    const sight: RunSight = {
      runId,
      status,
      wantsCheckpoint: requests.checkpoint,
      numerics: runNumerics,
      numCommitted,
      isSaved: (yield this.#redis((redis) => redis.hasCheckpoint(numCommitted))) as boolean,
      isEvaluated: (yield this.#redis((redis) => redis.hasEvaluation(numSteps))) as boolean,
      view: (yield this.#redis((redis) => redis.view)) as RunSight['view'],
      fencingEpoch: this.#isBlind ? Infinity : term.fencingEpoch,
      serverEpoch: this.#isBlind ? 0 : term.serverEpoch,
      live: yield* this.#liveMembers(),
      unreadable: [],
    };
    if (!this.#isBlind) yield* this.#restore(term, behindIn(sight));
    else term.memory = { ...term.memory, seen: { numCommitted: 0, view: undefined } };
    const decision = decideRun(this.#world.clock.nowMs, term.memory, sight, this.#rules);
    term.memory = this.#asRemembered(decision.memory);
    if (decision.kind !== 'keep') this.#world.trace.note(this.process.name, decision.reason);
    switch (decision.kind) {
      case 'publish':
        yield* this.#publish(term, sight.view, decision);
        return;
      case 'goBack':
        yield* this.#goBack(term, status, { numCommitted, reason: decision.reason });
        return;
      case 'saved':
        yield* this.#change(term, { requests: { ...requests, checkpoint: false } });
        return;
      case 'readAgain':
        throw stale(decision.usedEpoch);
      case 'end':
        if (decision.status !== 'completed' && sight.view !== undefined)
          yield* this.#fence(term, decision.reason);
        yield* this.#change(term, {
          status: decision.status,
          requests: { ...noSimRequests, cut: requests.cut },
        });
        return;
      case 'fail':
        this.#world.failure = decision.error;
        yield* this.#change(term, { status: 'failed' });
        return;
      case 'keep':
        if (!isEnding(status))
          yield* this.#change(term, { status: decision.isShort ? 'degraded' : 'running' });
        return;
      case 'wait':
        if (!isEnding(status) && status !== 'starting')
          yield* this.#change(term, { status: 'recovering' });
    }
  }

  get #rules(): RunRules {
    if (this.#world.sabotage === 'no-rest-watch') return { ...rules, restGraceMs: Infinity };
    return this.#world.lacks('join-at-once') ? { ...rules, stepTimeoutMs: 0 } : rules;
  }

  #asRemembered(memory: RunMemory): RunMemory {
    if (!this.#world.lacks('attempts-of-all')) return memory;
    const { attempts } = memory;
    const total = [...attempts.counts.values()].reduce((sum, count) => sum + count, 0);
    return { ...memory, attempts: { ...attempts, count: total } };
  }

  /** As `goBack` of the protocol changes the record, with the newest checkpoint. */
  *#goBack(
    term: Term,
    status: string,
    { numCommitted, reason }: { readonly numCommitted: number; readonly reason: string },
  ): Script {
    const known = this.#record;
    if (known === undefined) return;
    const toStep = (yield this.#store(
      (store) => store.newestValid(known.attempts, numCommitted)?.step ?? 0,
    )) as number;
    if (this.#world.sabotage !== 'no-go-back-fence') yield* this.#fence(term, reason);
    const cut = { toStep, askedAtMs: this.#world.timeMs };
    const change = isEnding(status)
      ? { status: status === 'pausing' ? 'paused' : 'stopped', requests: { ...noSimRequests, cut } }
      : {
          status: 'starting',
          requests: { ...known.requests, cut },
          attempt: known.attempt + 1,
          attempts: [
            ...known.attempts,
            { attempt: known.attempt + 1, startedAtMs: cut.askedAtMs, wentBackTo: toStep },
          ],
        };
    yield* this.#change(term, change);
  }

  /** Silence proves nothing after an outage, nor when Redis stood still. */
  *#liveMembers(): Generator<Call, RunSight['live'], unknown> {
    const { clock } = this.#world;
    const askedMs = clock.nowMs;
    const ttlMs = askedMs < this.#lenientUntilMs ? Infinity : memberTtlMs;
    const live = (yield this.#redis((redis, nowMs) =>
      redis.list(nowMs, ttlMs),
    )) as RunSight['live'];
    this.#world.invariants.checkLive(live, this.#world.dead, ttlMs === Infinity);
    if (clock.nowMs - askedMs > trustedAnswerMs)
      throw simError('QUEUE_UNREACHABLE', 'Redis took long to answer');
    if (this.#world.sabotage !== 'no-fingerprint') return live;
    return live.map((member) => ({ ...member, numerics: runNumerics }));
  }

  *#publish(
    { fencingEpoch }: Term,
    before: View | undefined,
    {
      members,
      mode,
      reason,
    }: Pick<Extract<RunDecision, { kind: 'publish' }>, 'members' | 'mode' | 'reason'>,
  ): Generator<Call, View, unknown> {
    const ids = members.map(({ memberId }) => memberId);
    const blocks = ids.length === 0 ? [] : assignBlocks(virtualRanks, ids);
    const draft = {
      fencingEpoch,
      mode,
      reason,
      members: members.map(({ memberId, host, port }, index) => ({
        memberId,
        host,
        port,
        blocks: blocks[index] ?? [],
      })),
    };
    const published = (yield this.#redis((redis) => {
      const result = redis.publish(draft, before?.version ?? 0);
      if ('members' in result) this.#world.invariants.checkView(result);
      return result;
    })) as ReturnType<RedisModel['publish']>;
    if ('newest' in published) throw stale(published.newest);
    if ('inForce' in published) throw replaced(published.inForce);
    this.#world.hint(this.#world.viewHints);
    return published;
  }

  /** As `advance` in controller.ts: what is no news is not written. */
  *#change({ fencingEpoch }: Term, change: Partial<Omit<SimRecord, 'revision'>>): Script {
    const known = this.#record;
    if (known === undefined) return;
    const isNews = change.requests !== undefined || change.status !== known.status;
    if (!isNews) return;
    const outcome = (yield this.#redis((redis) => {
      const result = redis.updateRecord(known, change, fencingEpoch);
      if (result === 'done')
        this.#world.invariants.checkRecordChange(this.process.name, fencingEpoch);
      return result;
    })) as ReturnType<RedisModel['updateRecord']>;
    if (outcome === 'changed') throw simError('RUN_STATE_CONFLICT', 'the record was changed');
    if (outcome !== 'done') throw stale(outcome.newest);
    if (change.status !== undefined)
      this.#world.trace.note(this.process.name, `run is ${change.status}`);
  }

  /** True when this coordinator is not to notice that Redis came back older. */
  get #isBlind(): boolean {
    return this.#world.sabotage === 'no-older-watch';
  }

  #redis(command: (redis: RedisModel, nowMs: number) => unknown): Call {
    return (done, failed) => this.#world.call(this.process, command, done, failed);
  }

  #store(command: (store: StoreModel) => unknown, kind?: StoreCall): Call {
    return (done, failed) => this.#world.storeCall(this.process, command, done, failed, kind);
  }
}

function behindIn({ view, live }: RunSight): string {
  const isBehind = live.some(
    ({ complaint }) =>
      complaint?.viewVersion === view?.version && complaint?.error.code === 'LEDGER_BEHIND',
  );
  return isBehind ? `view ${view?.version}` : '';
}

function isActive(status: string): boolean {
  return isEnding(status) || ['starting', 'running', 'degraded', 'recovering'].includes(status);
}

function isEnding(status: string): boolean {
  return status === 'pausing' || status === 'stopping';
}

function stale(newest: number): WireError {
  return { code: 'QUEUE_STALE_EPOCH', message: `epoch ${newest} is known`, details: { newest } };
}

function replaced(inForce: number): WireError {
  const message = `view ${inForce} is in force`;
  return { code: 'QUEUE_VIEW_REPLACED', message, details: { inForce } };
}
