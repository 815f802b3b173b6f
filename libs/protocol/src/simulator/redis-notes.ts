import { isOnLine, type Attempts } from '@berth/checkpoint';
import type { Weights } from './toy-model.ts';

/** Which checkpoints and evaluations a run has, as Redis notes it; and what the archive of its history has of the latter. */
export class RedisNotes {
  /** Attempts that saved, by step. */
  #checkpoints = new Map<number, number>();
  /** Weights that were evaluated, by step. */
  #evaluations = new Map<number, Weights>();
  /** All that were ever told of, as the archive of the run's history has them. */
  readonly #archived = new Map<number, Weights>();
  /** Steps whose evaluation is in the archive alone. */
  readonly #onlyArchived = new Set<number>();

  /** Forgets which checkpoints and evaluations there are. */
  flush(): void {
    this.#checkpoints = new Map();
    this.archivedOnly(this.#evaluations.keys());
    this.#evaluations = new Map();
  }

  /** @returns what puts the notes of now back */
  snapshot(): () => void {
    const [checkpoints, evaluations] = [new Map(this.#checkpoints), new Map(this.#evaluations)];
    return () => {
      this.#checkpoints = checkpoints;
      this.#evaluations = evaluations;
    };
  }

  /** Of these steps Redis knows no evaluation; the archive may. */
  archivedOnly(steps: Iterable<number>): void {
    for (const step of steps) this.#onlyArchived.add(step);
  }

  addCheckpoint(step: number, attempt: number): void {
    this.#checkpoints.set(step, attempt);
  }

  /** Forgets checkpoints that a later attempt has left behind. */
  forgetCheckpoints(attempts: Attempts): void {
    for (const [step, attempt] of this.#checkpoints)
      if (!isOnLine(attempts, { attempt, step })) this.#checkpoints.delete(step);
  }

  /** The newest step that a checkpoint is noted of; 0 without one. */
  get newestCheckpoint(): number {
    return Math.max(0, ...this.#checkpoints.keys());
  }

  hasCheckpoint(step: number, attempts: Attempts): boolean {
    const attempt = this.#checkpoints.get(step);
    return attempt !== undefined && isOnLine(attempts, { attempt, step });
  }

  addEvaluation(step: number, weights: Weights): void {
    this.#evaluations.set(step, weights);
    this.#archived.set(step, weights);
  }

  /** What was evaluated after a step, as the run's history tells it. */
  evaluation(step: number): Weights | undefined {
    const archived = this.#onlyArchived.has(step) ? this.#archived.get(step) : undefined;
    return this.#evaluations.get(step) ?? archived;
  }

  hasEvaluation(step: number): boolean {
    return this.#evaluations.has(step);
  }
}
