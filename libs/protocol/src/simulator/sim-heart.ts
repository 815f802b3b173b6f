import type { MemberInfo, View } from '@berth/contracts';
import type { SimProcess } from './sim-process.ts';
import { runId, runNumerics, type World } from './world.ts';

const heartbeatMs = 200;

/** How a member shows that it lives, and what it does. */
export class SimHeart {
  readonly #world: World;
  readonly #process: SimProcess;
  /** How long the device has not answered, if it does not. */
  readonly #engineCallMs: () => number | undefined;
  #info: MemberInfo;

  constructor(
    world: World,
    process: SimProcess,
    release: string,
    engineCallMs: () => number | undefined,
  ) {
    this.#world = world;
    this.#process = process;
    this.#engineCallMs = engineCallMs;
    this.#info = {
      memberId: process.name,
      host: process.name,
      port: 1,
      pid: 1,
      hostname: 'h',
      numerics: { ...runNumerics, fingerprint: release },
      startedAtMs: world.clock.nowMs,
      state: 'syncing',
      runId,
      step: -1,
      complaint: null,
      rankMs: null,
    };
    this.#beat();
  }

  get state(): MemberInfo['state'] {
    return this.#info.state;
  }

  /** Says something with the next heartbeat. */
  note(news: Partial<MemberInfo>): void {
    this.#info = { ...this.#info, ...news };
  }

  /** Tells from now on what epoch it has seen. */
  sees({ fencingEpoch }: View): void {
    const newestEpoch = Math.max(fencingEpoch, this.#info.newestEpoch ?? 0);
    this.note({ newestEpoch });
  }

  /** Says something at once. */
  tell(news: Partial<MemberInfo>): void {
    this.note(news);
    this.#send(() => this.#world.hint(this.#world.memberHints));
  }

  #beat(): void {
    this.#send(() => undefined);
    this.#process.after(heartbeatMs, () => this.#beat());
  }

  #send(done: () => void): void {
    const engineCallMs = this.#engineCallMs();
    const info = engineCallMs === undefined ? this.#info : { ...this.#info, engineCallMs };
    this.#world.call(
      this.#process,
      (redis, nowMs) => redis.members.heartbeat(nowMs, info),
      done,
      () => undefined,
    );
  }
}
