import { BerthError, errorFromWire, type MemberInfo, type View } from '@berth/contracts';

const maxPerStep = 30;

/** What came of the views that began at the step under way. */
export class Attempts {
  #fromStep = -1;
  #count = 0;
  #complaintSinceMs: number | undefined;

  /** Views that began at this step. */
  get count(): number {
    return this.#count;
  }

  /** When the first complaint about the view in force was seen. */
  get complaintSinceMs(): number | undefined {
    return this.#complaintSinceMs;
  }

  published({ fromStep }: View): void {
    this.#count = fromStep === this.#fromStep ? this.#count + 1 : 1;
    this.#fromStep = fromStep;
    this.#complaintSinceMs = undefined;
  }

  /** @throws BerthError one that no other view can cure, or `RUN_FAILED` after too many attempts at one step */
  judge(nowMs: number, view: View | undefined, live: readonly MemberInfo[]): void {
    const complaints = live.flatMap((member) => member.complaint ?? []);
    const current = complaints.find((complaint) => complaint.viewVersion === view?.version);
    if (current === undefined) {
      this.#complaintSinceMs = undefined;
      return;
    }
    this.#complaintSinceMs ??= nowMs;
    const error = errorFromWire(current.error);
    if (!error.policy.retry) throw error;
    // An outage lasts as long as it lasts.
    if (error.code === 'STORE_UNREACHABLE' || error.code === 'QUEUE_UNREACHABLE') this.#count = 0;
    if (this.#count >= maxPerStep)
      throw new BerthError(
        'RUN_FAILED',
        `Step ${this.#fromStep} failed ${this.#count} times; last: ${error.message}`,
      );
  }
}
