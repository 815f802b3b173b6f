import { errorFromWire, isBerthError } from '@berth/contracts';
import type { Clock } from '../leading/ports.ts';
import type { Call } from '../leading/script.ts';
import type { RedisModel } from './redis-model.ts';
import { callOf } from './script.ts';
import type { SimProcess } from './sim-process.ts';
import type { StoreModel } from './store-model.ts';
import type { StoreCall, World } from './world.ts';

/** What a process of the simulation asks Redis, the bucket and the clock for. */
export class SimCalls {
  readonly process: SimProcess;
  readonly clock: Clock;
  readonly #world: World;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.process = process;
    this.clock = {
      nowMs: () => world.clock.nowMs,
      timeMs: () => world.timeMs,
      sleep: (ms) => callOf((done) => process.after(ms, () => done(undefined))),
    };
  }

  /** @param answerOf - what the answer means; may throw what the caller gets */
  redis<T>(command: (redis: RedisModel, nowMs: number) => T): Call<T>;
  redis<T, A>(
    command: (redis: RedisModel, nowMs: number) => T,
    answerOf: (result: T) => A,
  ): Call<A>;
  redis<T, A>(
    command: (redis: RedisModel, nowMs: number) => T,
    answerOf?: (result: T) => A,
  ): Call<T | A> {
    return callOf((done, failed) => {
      const answer = (result: T): void => {
        if (answerOf === undefined) {
          done(result);
          return;
        }
        let meaning: A;
        try {
          meaning = answerOf(result);
        } catch (error) {
          // Anything else is a fault of the simulation, or what it was made to find.
          if (!isBerthError(error)) throw error;
          failed(error);
          return;
        }
        done(meaning);
      };
      this.#world.call(this.process, command, answer, (error) => failed(errorFromWire(error)));
    });
  }

  store<T>(command: (store: StoreModel) => T, kind?: StoreCall): Call<T> {
    return callOf((done, failed) =>
      this.#world.storeCall(
        this.process,
        command,
        done,
        (error) => failed(errorFromWire(error)),
        kind,
      ),
    );
  }

  /** What is there without asking. */
  at<T>(value: T): Call<T> {
    return callOf((done) => this.process.after(0, () => done(value)));
  }
}
