import { BerthError, type View, type WireError } from '@berth/contracts';
import { isOlderView, viewName } from '../ledger/view-id.ts';
import { followView } from './follow-view.ts';
import type { Ask, MemberEvent, Tell } from './member-events.ts';
import type { MemberRules } from './member-rules.ts';
import { newMemory, type Memory } from './memory.ts';
import { complaintOf, judgeState } from './view-failed.ts';
import { ViewFailure, type Asked, type ViewContext, type ViewScript } from './view-script.ts';
import { wireError } from './wire-error.ts';

/** What a member does upon an event. */
interface MemberDecision {
  readonly tells: readonly Tell[];
  /** Answered by one event; undefined when there is nothing new to do. */
  readonly ask?: Ask;
  /** Why, for people. */
  readonly reason: string;
}

type Outcome = Omit<MemberDecision, 'tells'>;

/** A view under way, and what it asked last. */
interface Following {
  readonly view: View;
  readonly script: ViewScript;
  readonly ask: Ask;
}

/**
 * What a member does next. It only decides: a shell carries out what is told and asked, and comes back with the answer.
 * A member follows one view at a time (follow-view.ts), until that is done, fails, or gives way to a newer one.
 */
export class MemberProtocol {
  readonly #me: Memory;
  /** Of every view. */
  readonly #context: Omit<ViewContext, 'view'>;
  #following: Following | undefined;
  #view: View | undefined;
  /** A newer view, begun as soon as the ask under way is answered. */
  #next: View | undefined;
  /** Why the view cannot go on, although the ask under way is not answered yet. */
  #loss: WireError | undefined;
  /** Our view has failed, and no other has come since. */
  #awaitsView = false;
  #hasLeft: boolean;
  #nowMs = 0;
  #tells: Tell[] = [];

  /** @param memory - of an earlier life, or empty; kept up to date from now on */
  constructor(rules: MemberRules, memory: Memory = newMemory()) {
    this.#me = memory;
    this.#hasLeft = memory.isLeaving;
    this.#context = {
      me: memory,
      rules,
      nowMs: () => this.#nowMs,
      tell: (tell) => this.#tells.push(tell),
    };
  }

  /** The view that is followed, or was last. */
  get view(): View | undefined {
    return this.#view;
  }

  /** The ask under way; undefined while no view is followed. */
  get asked(): Ask | undefined {
    return this.#following?.ask;
  }

  /** Whether it was told to leave and has: it is in no view, and awaits none to save in what it has made. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** @param nowMs - never goes back */
  decide(nowMs: number, event: MemberEvent): MemberDecision {
    this.#nowMs = nowMs;
    this.#tells = [];
    const outcome = this.#react(event);
    return { tells: this.#tells, ...outcome };
  }

  #react(event: MemberEvent): Outcome {
    switch (event.kind) {
      case 'view':
        return this.#seeView(event.view);
      case 'peerLost':
        return this.#lose(event.error);
      case 'diverged':
        return this.#diverge(event.view, event.error);
      case 'leave':
        this.#me.isLeaving = true;
        this.#hasLeft = this.#following === undefined && !this.#awaitsView;
        return { reason: 'leaving after the step under way' };
      case 'answered': {
        const { to, value } = event.answer;
        return this.#resume(({ script, ask }) => {
          if (to === ask.kind) return script.next(value);
          throw new BerthError('INTERNAL', `A member that asked to ${ask.kind} was answered ${to}`);
        });
      }
      case 'failed':
        return this.#resume(({ script, ask }) => {
          // What was ended early because of a loss is complained of as the loss; a vote is never ended early.
          const error = ask.kind === 'vote' ? event.error : (this.#loss ?? event.error);
          return script.throw(new ViewFailure(error));
        });
    }
  }

  /**
   * A view is found current: it is followed at once, or after the ask under way. One that is older than the one we know is of a Redis
   * that came back older: what was said in it then would be taken for what is said now. So it would in one of an earlier life of ours:
   * the coordinator is asked for another.
   */
  #seeView(view: View): Outcome {
    const { newestView: newest } = this.#me;
    const isKnown = newest !== undefined && viewName(newest) === viewName(view);
    if (isKnown && this.#view !== undefined) return { reason: `view ${view.version} is known` };
    if (newest !== undefined && isOlderView(view, newest))
      return { reason: `view ${view.version} of epoch ${view.fencingEpoch} is older than ours` };
    this.#me.newestView = view;
    if (isKnown && this.#isIn(view)) {
      const { memberId } = this.#context.rules;
      const message = `${memberId} has left view ${view.version} since it began`;
      return this.#fail(view, wireError('COLLECTIVE_ABORTED', message));
    }
    if (this.#following === undefined) return this.#begin(view);
    this.#next = view;
    if (this.#isSavingToLeave && !this.#hasNewcomers(view))
      return { reason: `view ${view.version} has come, of some that leave as we do` };
    return this.#abort(`view ${view.version} has come: ${view.reason}`);
  }

  /** The view cannot go on: the ask under way ends early. */
  #lose(error: WireError): Outcome {
    // What is left to be saved needs nobody: the others leave once they have done their part.
    const asked = this.#following?.ask.kind;
    if (asked === undefined || asked === 'finishSaves') return { reason: error.message };
    return this.#giveUp(error);
  }

  #giveUp(error: WireError): Outcome {
    this.#loss ??= error;
    return this.#abort(error.message);
  }

  /** Members were found to have different states, by what one of them saves: the view that we follow cannot go on. */
  #diverge(view: View, error: WireError): Outcome {
    if (this.#view === undefined || viewName(this.#view) !== viewName(view))
      return { reason: 'the view has been replaced since' };
    return this.#following === undefined ? this.#fail(this.#view, error) : this.#giveUp(error);
  }

  #abort(reason: string): Outcome {
    this.#context.tell({ kind: 'abort', reason });
    return { reason };
  }

  /** Lets the view take what its ask came to. */
  #resume(take: (following: Following) => IteratorResult<Asked, void>): Outcome {
    const following = this.#following;
    if (following === undefined)
      throw new BerthError('INTERNAL', 'A member that asked for nothing was answered');
    const { view, script } = following;
    const outcome = this.#run(view, script, () => take(following));
    // What was learnt counts; what was to come gives way to a newer view, or to the end of this one.
    if (this.#next !== undefined) return this.#begin(this.#next);
    if (this.#loss !== undefined && outcome.ask !== undefined) return this.#fail(view, this.#loss);
    return outcome;
  }

  /** Goes on to what the view asks next, to its end, or to its failure. */
  #run(view: View, script: ViewScript, next: () => IteratorResult<Asked, void>): Outcome {
    const isSaving = this.#isSavingToLeave;
    let result: IteratorResult<Asked, void>;
    try {
      result = next();
    } catch (error) {
      if (error instanceof ViewFailure) return this.#fail(view, error.error);
      throw error;
    }
    if (result.done === true) {
      this.#following = undefined;
      if (isSaving) this.#next = undefined;
      // In a newer one it may turn out that nobody stays.
      if (this.#next === undefined) this.#leaveView();
      return { reason: `view ${view.version} is done at step ${this.#me.appliedStep}` };
    }
    this.#following = { view, script, ask: result.value.ask };
    return result.value;
  }

  /** Leaves the view before, and follows this one if we are in it. */
  #begin(view: View): Outcome {
    this.#following?.script.return();
    // Also one that leaves: it may be the last that has what was made.
    const isOfUse = !this.#me.isLeaving || (this.#me.appliedStep > 0 && !this.#hasLeft);
    const isToFollow = this.#isIn(view) && isOfUse;
    this.#view = view;
    this.#next = undefined;
    this.#loss = undefined;
    this.#awaitsView = false;
    if (!isToFollow) {
      this.#leaveView();
      return { reason: `view ${view.version} is without us` };
    }
    this.#context.tell({ kind: 'leave' });
    this.#context.tell({ kind: 'status', state: 'training', complaint: null });
    const script = followView({ ...this.#context, view });
    return this.#run(view, script, () => script.next());
  }

  /** Leaves a view in which nothing is left to do. */
  #leaveView(): void {
    this.#following = undefined;
    this.#awaitsView = false;
    this.#hasLeft = this.#me.isLeaving;
    this.#context.tell({ kind: 'leave' });
    this.#context.tell({ kind: 'status', state: this.#idleState, complaint: null });
  }

  /** Leaves a view that cannot go on, and asks the coordinator for another. */
  #fail(view: View, failure: WireError): Outcome {
    this.#following?.script.return();
    this.#following = undefined;
    this.#view = view;
    const { appliedStep } = this.#me;
    const error = judgeState(this.#context, failure);
    const complaint = complaintOf(view, appliedStep, error);
    const { appliedStep: held, divergence } = this.#me;
    this.#awaitsView = held > 0 && divergence === undefined && this.#isIn(view);
    this.#hasLeft = this.#me.isLeaving && !this.#awaitsView;
    const state = this.#awaitsView ? 'idle' : this.#idleState;
    // The word to the coordinator first: until it knows, nobody trains.
    this.#context.tell({ kind: 'status', state, complaint });
    this.#context.tell({ kind: 'leave' });
    return { reason: `view ${view.version} failed: ${error.message}` };
  }

  get #idleState(): 'idle' | 'draining' {
    return this.#me.isLeaving ? 'draining' : 'idle';
  }

  /** What the last members wait for before they leave. */
  get #isSavingToLeave(): boolean {
    return this.#me.isLeaving && this.#following?.ask.kind === 'finishSaves';
  }

  /** Whether somebody has come since the view before, who may have our state from us. */
  #hasNewcomers({ members }: View): boolean {
    const before = new Set(this.#view?.members.map(({ memberId }) => memberId));
    return members.some(({ memberId }) => !before.has(memberId));
  }

  #isIn({ members }: View): boolean {
    return members.some(({ memberId }) => memberId === this.#context.rules.memberId);
  }
}
