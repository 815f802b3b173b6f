import type { WireError } from '@berth/contracts';

/** What a coordinator does between two waits: each `yield` is a call that is answered later, or fails. */
export type Script = Generator<Call, void, unknown>;
export type Call = (done: (result: unknown) => void, failed: (error: WireError) => void) => void;

/** Runs a script to its end, or to the first error. */
export function runScript(script: Script, ended: (error?: WireError) => void): void {
  const goOn = (resume: () => IteratorResult<Call, void>): void => {
    let step: IteratorResult<Call, void>;
    try {
      step = resume();
    } catch (error) {
      if (!isWireError(error)) throw error;
      ended(error);
      return;
    }
    if (step.done === true) {
      ended();
      return;
    }
    step.value(
      (result) => goOn(() => script.next(result)),
      (error) => goOn(() => script.throw(error)),
    );
  };
  goOn(() => script.next());
}

function isWireError(value: unknown): value is WireError {
  return typeof value === 'object' && value !== null && 'code' in value && 'details' in value;
}
