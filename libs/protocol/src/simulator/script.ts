import type { Call, Script } from '../leading/script.ts';

/** Runs a script whose calls are answered in virtual time, to its end or to the first error that it does not catch. */
export function runScript<T>(
  script: Script<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  const goOn = (resume: () => IteratorResult<Call<unknown>, T>): void => {
    let step: IteratorResult<Call<unknown>, T>;
    try {
      step = resume();
    } catch (error) {
      failed(error);
      return;
    }
    if (step.done === true) {
      done(step.value);
      return;
    }
    step.value.then(
      (answer) => goOn(() => script.next(answer)),
      (error) => goOn(() => script.throw(error)),
    );
  };
  goOn(() => script.next());
}

/** Several calls that are one to whoever asks. */
export function inOneCall<T>(work: () => Script<T>): Call<T> {
  return callOf((done, failed) => runScript(work(), done, failed));
}

export function callOf<T>(ask: Call<T>['then']): Call<T> {
  // What a script yields is a promise or like one, and nothing else waits for it.
  // oxlint-disable-next-line unicorn/no-thenable
  return { then: ask };
}
