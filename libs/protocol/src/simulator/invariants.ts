import { isOnLine, type Attempts } from '@berth/checkpoint';
import { stepFactsText, type LedgerEntry, type MemberInfo, type View } from '@berth/contracts';
import { viewName } from '../ledger/view-id.ts';
import type { RedisModel } from './redis-model.ts';
import type { SimDisk } from './sim-disk.ts';
import type { StoreModel } from './store-model.ts';
import { numParts, type Reference, type Weights } from './toy-model.ts';

/** A member's time to live, in looks that come as fast as can be. */
const maxDeadPolls = 60;

/** An invariant that did not hold (docs/protocol.md#invariants). */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** I1 to I6, checked after every event, from what can be seen from outside. */
export class Invariants {
  readonly #redis: RedisModel;
  readonly #store: StoreModel;
  readonly #reference: Reference;
  readonly #diskOf: (memberId: string) => SimDisk;
  #ledger: readonly LedgerEntry[] = [];
  #numChecked = 0;
  #revision = 0;
  /** As the record had them at the last look. */
  #attempts: Attempts = [];
  /** The newest checkpoint that the run has been told of. */
  #savedStep = 0;
  #restoredTo = 0;
  #view: View | undefined;
  /** Steps of the newest checkpoint when the view in force began, and of the newest within its ledger, stored or on a member's disk; 0 for none. */
  #found = { newest: 0, usable: 0 };
  /** Committed steps when a bit of a member's state flipped; undefined once neither the members nor the ledger show it. */
  #damagedAt: number | undefined;
  /** Looks in a row at which a dead member was listed. */
  readonly #deadPolls = new Map<string, number>();
  readonly #viewNames = new Set<string>();

  /** @param diskOf - of the machine that a member runs on */
  constructor(
    redis: RedisModel,
    store: StoreModel,
    reference: Reference,
    diskOf: (memberId: string) => SimDisk,
  ) {
    this.#diskOf = diskOf;
    this.#redis = redis;
    this.#store = store;
    this.#reference = reference;
  }

  /**
   * After every event.
   * @param findDamaged - members whose weights are wrong, as a flipped bit makes them
   */
  check(findDamaged: () => readonly string[]): void {
    const { ledger } = this.#redis;
    if (ledger !== this.#ledger) {
      this.#ledger = ledger;
      this.#numChecked = 0;
    }
    this.#checkManifests();
    this.#lookForView();
    if (this.#damagedAt !== undefined) {
      const isWrong = ledger.slice(this.#numChecked).some((entry) => !this.#isRight(entry));
      const damaged = findDamaged();
      if (isWrong || damaged.length > 0) {
        // Whoever the view leaves out is compared with the others once it is in one.
        if (!isWrong && !this.#areSeated(damaged)) this.#damagedAt = ledger.length;
        this.#requireNotice(this.#damagedAt);
        return;
      }
      this.#damagedAt = undefined;
    }
    while (this.#numChecked < ledger.length) this.#checkEntry(this.#numChecked++);
  }

  #areSeated(names: readonly string[]): boolean {
    return this.#view?.members.some(({ memberId }) => names.includes(memberId)) ?? false;
  }

  /** @param step - committed steps behind a member's state of which a bit has flipped: Redis may have lost them */
  damaged(step = 0): void {
    this.#damagedAt ??= Math.max(step, this.#redis.ledger.length);
  }

  /** Redis came back older, perhaps with steps of a damaged state that had been cut off. */
  cameBack(): void {
    this.#restoredTo = 0;
    if (!this.#redis.ledger.every((entry) => this.#isRight(entry))) this.damaged();
  }

  get isDamaged(): boolean {
    return this.#damagedAt !== undefined;
  }

  /** Every part of the state is compared within so many steps. */
  #requireNotice(damagedAt: number): void {
    const numSteps = this.#redis.ledger.length - damagedAt;
    if (numSteps > numParts + 1)
      throw new Violation(`A damaged state went unnoticed for ${numSteps} steps`);
  }

  /** I3: the weights after a step depend on nothing but the step. */
  checkWeights(member: string, step: number, weights: Weights | undefined): void {
    if (this.isDamaged) return;
    this.#requireWeights(member, step, weights);
  }

  #requireWeights(member: string, step: number, weights: Weights | undefined): void {
    const expected = this.#reference.weights[step];
    if (weights !== expected)
      throw new Violation(`I3: ${member} holds ${weights} at step ${step}, not ${expected}`);
  }

  /** I5: what counts in a view was sent in that view. */
  checkFrame(receiver: string, sent: string, current: string): void {
    if (sent !== current)
      throw new Violation(`I5: ${receiver} took a frame of ${sent} in ${current}`);
  }

  /** I5: a vote that counts was cast in the view in force, of a run that is under way. */
  checkVote(member: string, sent: View): void {
    const { view } = this.#redis;
    if (view === undefined || viewName(sent) !== viewName(view))
      throw new Violation(`I5: a vote of ${member} in view ${viewName(sent)} counted`);
    const { status } = this.#redis.record;
    if (status === 'stopped' || status === 'paused')
      throw new Violation(`I5: a vote of ${member} counted while the run was ${status}`);
  }

  /** I6: nobody begins from the seed while something is in the bucket, whatever the ledger holds. */
  checkInitialization(member: string): void {
    const { newest } = this.#found;
    if (this.#isSeated(member) && newest > 0)
      throw new Violation(
        `I6: ${member} begins from the seed, although there is checkpoint ${newest}`,
      );
  }

  /** I6: what is in the bucket is not done again, by whom the view in force counts on. */
  checkBeginning(member: string, step: number): void {
    const { usable } = this.#found;
    if (this.#isSeated(member) && usable > step)
      throw new Violation(
        `I6: ${member} does step ${step}, although there is checkpoint ${usable}`,
      );
  }

  #isSeated(member: string): boolean {
    return this.#redis.view?.members.some(({ memberId }) => memberId === member) ?? false;
  }

  /** Of what is stored once a view is in force its members may not know: a look and what follows from it are two things. */
  #lookForView(): void {
    const { view, record } = this.#redis;
    if (view === this.#view) return;
    this.#view = view;
    const { attempts } = record;
    const stepOf = (maxStep?: number): number =>
      this.#store.newestValid(attempts, maxStep)?.step ?? 0;
    const spooled = (view?.members ?? []).flatMap(({ memberId }) =>
      this.#diskOf(memberId)
        .found.filter((state) => state.owner !== memberId && !state.isTried)
        .filter(({ snapshot, ledgerHead }) => {
          const isOfRun = isOnLine(attempts, snapshot);
          return isOfRun && this.#ledger[snapshot.step - 1]?.head === ledgerHead;
        })
        .map(({ snapshot }) => snapshot.step),
    );
    this.#found = { newest: stepOf(), usable: Math.max(stepOf(view?.fromStep), ...spooled) };
  }

  /** I5: only who holds the lease changes the run's record. */
  checkRecordChange(coordinator: string, fencingEpoch: number): void {
    const leaseEpoch = this.#redis.lease.epoch;
    if (fencingEpoch !== leaseEpoch)
      throw new Violation(
        `I5: ${coordinator} changed the record in epoch ${fencingEpoch}, not ${leaseEpoch}`,
      );
  }

  /** Who is dead is listed for a few looks at most, whatever happens to the clock of Redis. */
  checkLive(live: readonly MemberInfo[], dead: ReadonlySet<string>, isLenient: boolean): void {
    const listed = new Set(live.map(({ memberId }) => memberId));
    for (const memberId of dead) {
      const numPolls = listed.has(memberId) ? (this.#deadPolls.get(memberId) ?? 0) : 0;
      this.#deadPolls.set(memberId, isLenient ? 0 : numPolls + 1);
      if (numPolls > maxDeadPolls)
        throw new Violation(`Liveness: ${memberId} is dead, and still listed at ${numPolls} looks`);
    }
  }

  /** I6: until the ledger is back, and then, no view begins before its end. */
  restores(numCommitted: number): void {
    this.#restoredTo = numCommitted;
  }

  /** A history was cut: what follows is made again. */
  wentBack(toStep: number): void {
    this.#restoredTo = Math.min(this.#restoredTo, toStep);
  }

  lost(): void {
    this.#restoredTo = 0;
  }

  /** I5: what a view is called, no other view was called. */
  checkView(view: View): void {
    const { fromStep, version, members } = view;
    const name = viewName(view);
    if (this.#viewNames.has(name)) throw new Violation(`I5: there are two views ${name}`);
    this.#viewNames.add(name);
    this.#checkEvents(members.map(({ memberId }) => memberId));
    if (members.length > 0 && fromStep < this.#restoredTo)
      throw new Violation(
        `I6: view ${version} begins at step ${fromStep}, but ${this.#restoredTo} steps are restored`,
      );
  }

  /** What was said of members, each once, leads to those who are in the view. */
  #checkEvents(members: readonly string[]): void {
    const seated = new Set<string>();
    for (const { kind, memberId = '' } of this.#redis.events) {
      const isNews = kind === 'joined' ? !seated.has(memberId) : seated.has(memberId);
      if (!isNews && ['joined', 'left', 'lost'].includes(kind))
        throw new Violation(`Events: that ${memberId} ${kind} is said twice`);
      if (kind === 'joined') seated.add(memberId);
      else seated.delete(memberId);
    }
    if ([...seated].sort().join() !== members.toSorted().join())
      throw new Violation(
        `Events: ${[...seated].join()} are said to be there, ${members.join()} are`,
      );
  }

  #isRight(entry: LedgerEntry): boolean {
    const facts = this.#reference.facts[entry.step];
    return facts !== undefined && stepFactsText(entry) === stepFactsText(facts);
  }

  #checkEntry(index: number): void {
    const entry = this.#ledger[index];
    const facts = this.#reference.facts[index];
    if (entry === undefined || facts === undefined)
      throw new Violation(`I2: the ledger has an entry ${index}, which is no step of the run`);
    if (entry.step !== index)
      throw new Violation(`I2: entry ${index} of the ledger is step ${entry.step}`);
    if (stepFactsText(entry) !== stepFactsText(facts))
      throw new Violation(
        `I1, I3: step ${index} was committed as ${stepFactsText(entry)}, not ${stepFactsText(facts)}`,
      );
    const before = this.#ledger[index - 1];
    if (before !== undefined && isOlder(entry, before))
      throw new Violation(
        `I2: step ${index} was committed in ${nameOf(entry)}, after ${nameOf(before)}`,
      );
  }

  /** Somebody has been told that there is a checkpoint, by the attempt that is the newest. */
  saved(attempt: number, step: number): void {
    if (attempt === this.#redis.attempt) this.#savedStep = Math.max(this.#savedStep, step);
  }

  #checkManifests(): void {
    const { manifests, revision } = this.#store;
    const { attempts } = this.#redis.record;
    const isSameLine = attempts === this.#attempts;
    if (isSameLine && revision === this.#revision) return;
    this.#revision = revision;
    this.#attempts = attempts;
    const newest = this.#store.newestValid(attempts)?.step ?? 0;
    // What another line has is not promised until the run has gone back to it.
    if (!isSameLine) {
      const goesBack = attempts.at(-1)?.wentBackTo !== undefined;
      this.#savedStep = goesBack ? 0 : Math.min(this.#savedStep, newest);
    }
    if (newest < this.#savedStep)
      throw new Violation(
        `I6: checkpoint ${this.#savedStep} of the run was saved, and ${newest} is the newest`,
      );
    for (const manifest of manifests) {
      const weights = this.#store.load(manifest);
      // What is written long after its step was given up is passed over, as what is damaged is.
      if (weights === undefined && manifest.step < newest) continue;
      if (weights === undefined)
        throw new Violation(`I4: checkpoint ${manifest.step} is visible, but not whole`);
      this.#requireWeights('a checkpoint', manifest.step, weights);
      if (manifest.entries.length !== manifest.step)
        throw new Violation(`I6: checkpoint ${manifest.step} lacks steps of the ledger`);
    }
  }
}

function isOlder(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.fencingEpoch < b.fencingEpoch ||
    (a.fencingEpoch === b.fencingEpoch && a.viewVersion < b.viewVersion)
  );
}

function nameOf({ fencingEpoch, viewVersion }: LedgerEntry): string {
  return `view ${viewVersion} of epoch ${fencingEpoch}`;
}
