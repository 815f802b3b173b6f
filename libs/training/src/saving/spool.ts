import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stateDigestInTurns } from '@berth/checkpoint';
import {
  readJson,
  spooledStateSchema,
  type SpooledState,
  type StateVectors,
} from '@berth/contracts';

/** One that was found again. */
export interface FoundState {
  readonly about: SpooledState;
  /** Name of its files, without their endings. */
  readonly name: string;
}

const chunkBytes = 16 << 20;
const vectorsOf = (state: StateVectors): Float32Array[] => [
  state.weights,
  state.firstMoments,
  state.secondMoments,
];

/**
 * The states of a run that wait on this machine's disk for the bucket: at most one of each worker, the newest. They outlive
 * the process; whoever takes part in the run on this machine next stores them.
 */
export class Spool {
  readonly #folder: string;
  readonly #owner: string;
  #own: string | undefined;

  /** @param owner - name that no other process has */
  constructor(folder: string, owner: string) {
    this.#folder = folder;
    this.#owner = owner;
  }

  /**
   * Keeps a state instead of the one before.
   * @returns bytes on disk
   * @throws what the file system throws
   */
  async keep(about: SpooledState, state: StateVectors): Promise<number> {
    const name = `${about.runId}.${about.step}.${encodeURIComponent(this.#owner)}`;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    try {
      await this.#writeVectors(name, state);
      // Last, so that what it describes is whole.
      const text = join(this.#folder, `${name}.json`);
      await writeFile(`${text}.new`, JSON.stringify(about), { mode: 0o600 });
      await rename(`${text}.new`, text);
    } catch (error) {
      await this.#remove(name).catch(() => undefined);
      throw error;
    }
    const before = this.#own;
    this.#own = name;
    if (before !== undefined && before !== name) await this.#remove(before);
    return vectorsOf(state).reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Deletes what this worker keeps. */
  async clear(): Promise<void> {
    const own = this.#own;
    this.#own = undefined;
    if (own !== undefined) await this.#remove(own);
  }

  /** States of a run that processes which are gone have left, newest first; what cannot be read is deleted. */
  async found(runId: string): Promise<FoundState[]> {
    const files = await readdir(this.#folder).catch(() => [] as string[]);
    const found: FoundState[] = [];
    for (const file of files) {
      const name = /^(.+)\.json$/.exec(file)?.[1];
      if (name === undefined || name === this.#own || !name.startsWith(`${runId}.`)) continue;
      const text = await readFile(join(this.#folder, file), 'utf8').catch(() => '');
      const reading = readJson(spooledStateSchema, text);
      if (!reading.ok) await this.#remove(name);
      else if (reading.value.runId === runId) found.push({ about: reading.value, name });
    }
    return found.sort((a, b) => b.about.step - a.about.step);
  }

  /** @returns false unless it is whole and has the digest that was agreed on */
  async load({ about, name }: FoundState, into: StateVectors): Promise<boolean> {
    const file = await open(join(this.#folder, `${name}.state`));
    try {
      for (const vector of vectorsOf(into)) {
        const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
        for (let start = 0; start < bytes.length;) {
          const length = Math.min(chunkBytes, bytes.length - start);
          const { bytesRead } = await file.read(bytes, start, length);
          if (bytesRead === 0) return false;
          start += bytesRead;
        }
      }
    } finally {
      await file.close();
    }
    return (await stateDigestInTurns(into)) === about.stateDigest;
  }

  async forget({ name }: FoundState): Promise<void> {
    await this.#remove(name);
  }

  async #writeVectors(name: string, state: StateVectors): Promise<void> {
    const file = await open(join(this.#folder, `${name}.state`), 'w', 0o600);
    try {
      for (const { buffer, byteOffset, byteLength } of vectorsOf(state))
        for (let start = 0; start < byteLength; start += chunkBytes) {
          const length = Math.min(chunkBytes, byteLength - start);
          await file.writeFile(new Uint8Array(buffer, byteOffset + start, length));
        }
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** What describes it first. */
  async #remove(name: string): Promise<void> {
    for (const ending of ['json', 'json.new', 'state'])
      await rm(join(this.#folder, `${name}.${ending}`), { force: true });
  }
}
