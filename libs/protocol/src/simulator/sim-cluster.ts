import { workerOf } from '../run/worker-name.ts';
import type { Peers } from './peers.ts';
import { SimLeader } from './sim-leader.ts';
import { SimMember } from './sim-member.ts';
import type { SimRelease } from './sim-member-work.ts';
import type { StateCopies } from './state-copies.ts';
import type { World } from './world.ts';

const maxMembers = 5;
const maxCoordinators = 2;
const crashRestartMs = 50;

/** How a worker starts: under a name that it had before, or as a new one. */
interface Start {
  readonly name?: string;
  readonly release?: SimRelease;
}

/** The processes of the simulation, and how they start again. */
export class SimCluster {
  readonly #world: World;
  readonly #members = new Map<string, SimMember>();
  readonly #copies = new Map<string, StateCopies>();
  readonly #connections = new Map<string, Peers>();
  readonly #coordinators: SimLeader[] = [];
  /** Workers that die again and again for a while, by name. */
  readonly #crashLoops = new Map<string, { readonly lifeMs: number; readonly untilMs: number }>();
  #numMade = 0;

  constructor(world: World, numMembers: number) {
    this.#world = world;
    for (let index = 0; index < numMembers; index++) this.startMember();
    for (let index = 0; index < maxCoordinators; index++) this.startCoordinator();
  }

  /** Those whose weights are not those of the undisturbed run. */
  damagedMembers(): string[] {
    const damaged = this.members.filter(({ isDamaged }) => isDamaged);
    return damaged.map(({ process }) => process.name);
  }

  get members(): SimMember[] {
    return [...this.#members.values()].filter(({ process }) => process.isAlive);
  }

  get coordinators(): SimLeader[] {
    return this.#coordinators.filter(({ process }) => process.isAlive);
  }

  /** Starts a worker, under the name that it had before, unless there are enough. */
  startMember({ name, release = 'same bits' }: Start = {}): SimMember | undefined {
    if (this.members.length >= maxMembers) return undefined;
    const { clock, random } = this.#world;
    const number = this.#numMade++;
    const isNew = name === undefined || this.#world.lacks('quarantine-processes');
    const memberId = `${isNew ? `m${number}` : name}-${number.toString(16).padStart(6, '0')}`;
    const member = new SimMember(this.#world, memberId, this.#copies, this.#connections, release);
    this.#members.set(memberId, member);
    const loop = name === undefined ? undefined : this.#crashLoops.get(name);
    if (name !== undefined && loop !== undefined && clock.nowMs < loop.untilMs)
      clock.after(loop.lifeMs * random.between(0.8, 1.2), () => {
        if (!member.process.isAlive) return;
        member.kill();
        // By the name that the loop is known by, also where a worker takes a new one each time.
        clock.after(crashRestartMs, () => this.startMember({ name }));
      });
    return member;
  }

  /** Starts a worker in the place of one that has ended, or a new one. */
  restart(member: SimMember | undefined, afterMs = crashRestartMs): void {
    const start = member && { name: nameOf(member) };
    this.#world.clock.after(afterMs, () => this.startMember(start));
  }

  /** The member dies now, and again and again for a while. */
  crashAgainAndAgain(member: SimMember, forMs: number): void {
    const { clock, random } = this.#world;
    const untilMs = clock.nowMs + forMs;
    this.#crashLoops.set(nameOf(member), { lifeMs: random.between(150, 800), untilMs });
    member.kill();
    this.restart(member);
  }

  startCoordinator(): void {
    this.#coordinators.push(new SimLeader(this.#world, `c${this.#numMade++}`));
  }
}

function nameOf({ process }: SimMember): string {
  return workerOf(process.name);
}
