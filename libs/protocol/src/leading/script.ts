/** What is asked of the world and answered later: a promise is one, and what a simulation answers in its own time is another. */
export interface Call<T> {
  then(done: (answer: T) => void, failed: (error: unknown) => void): unknown;
}

/**
 * Work told in order that waits for nothing itself: it yields each call, and goes on with the answer, or with the error that is
 * thrown into it.
 */
export type Script<T> = Generator<Call<unknown>, T, unknown>;

/** The answer to a call, as an expression of a script. */
export function* call<T>(asked: Call<T>): Script<T> {
  return (yield asked) as T;
}

/** Carries a script out whose calls are promises. @throws what the script throws */
export async function perform<T>(script: Script<T>): Promise<T> {
  let step = script.next();
  while (step.done !== true) {
    let resume: () => IteratorResult<Call<unknown>, T>;
    try {
      const answer = await step.value;
      resume = () => script.next(answer);
    } catch (error) {
      resume = () => script.throw(error);
    }
    step = resume();
  }
  return step.value;
}
