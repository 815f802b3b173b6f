import { BerthError, type CorpusConfig } from '@berth/contracts';

/** The error for a corpus without a single word. */
export function noText({ skipBad }: Pick<CorpusConfig, 'skipBad'>): BerthError {
  const why = skipBad
    ? ', or none that can be read: leave corpus.skipBad out to be told what is wrong with it'
    : ': point corpus.path at text';
  return new BerthError('DATA_CORPUS_EMPTY', `the corpus has no document with text${why}`);
}
