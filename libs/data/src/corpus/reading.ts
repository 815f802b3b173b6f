import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BerthError,
  type CorpusConfig,
  type CorpusPiece,
  type CorpusTally,
  type ErrorDetails,
} from '@berth/contracts';
import type { PieceBytes } from './sources/piece-bytes.ts';

/** Settings that say how text is read. */
export type ReadingSettings = Pick<
  CorpusConfig,
  'encoding' | 'sentenceMode' | 'textField' | 'idField' | 'pretokenised' | 'skipBad'
>;

/** What they are where a run file says nothing. */
export const defaultReading: ReadingSettings = {
  encoding: 'auto',
  sentenceMode: 'auto',
  textField: 'text',
  idField: 'id',
  pretokenised: false,
  skipBad: false,
};

/** A piece that is being read. */
export interface Reading {
  readonly piece: CorpusPiece;
  readonly bytes: PieceBytes;
  readonly settings: ReadingSettings;
  readonly tally: CorpusTally;
  readonly signal: AbortSignal | undefined;
  /** Gives others their turn of the event loop, if they have waited for a while. */
  readonly turn: () => Promise<void>;
  /**
   * Tells of a line or record that cannot be read.
   * @param problem - where, and what is wrong with it
   * @throws BerthError DATA_CORPUS_INVALID unless bad input is passed over
   */
  readonly report: (problem: string, details?: ErrorDetails) => void;
}

const turnMs = 25;

/** @returns what gives a turn of the event loop when there was none for some time */
export function createTurns(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < turnMs) return;
    await nextTurn();
    last = performance.now();
  };
}

/** The error for text that cannot be read, whoever reads it. */
export class InvalidText extends BerthError {
  /** Without where the piece lies. */
  readonly problem: string;

  constructor({ place }: CorpusPiece, problem: string, details: ErrorDetails = {}) {
    super('DATA_CORPUS_INVALID', `corpus ${place}: ${problem}`, {
      details: { path: place, ...details },
    });
    this.problem = problem;
  }
}

/** Where a line begins. */
export interface LineStart {
  /** In bytes of the text in UTF-8. */
  readonly start: number;
  /** Counted from 1 where reading began. */
  readonly number: number;
}

/** A line, for people. Bytes are those of the text, decompressed and in UTF-8; lines before a range are not counted. */
export function lineName({ piece }: Pick<Reading, 'piece'>, { start, number }: LineStart): string {
  return piece.range === undefined ? `line ${number} (byte ${start})` : `the line at byte ${start}`;
}

/** The name of a document that has none of its own, by the line it begins with. */
export function documentName({ piece }: Pick<Reading, 'piece'>, { start, number }: LineStart): string {
  return piece.range === undefined ? `${piece.name}:${number}` : `${piece.name}@${start}`;
}
