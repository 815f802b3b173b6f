import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { BerthError, type DatasetJob, type ObjectStore, type TextRules } from '@berth/contracts';
import { corpusDigest } from './corpus/corpus-digest.ts';
import { openCorpus, type Corpus } from './corpus/open-corpus.ts';
import { writeDataset } from './examples/write-dataset.ts';
import type { TokenSentences } from './examples/token-documents.ts';
import { createTokenizer } from './text/tokenizer.ts';
import { trainVocabulary } from './text/train-vocabulary.ts';
import { parseVocabulary, serializeVocabulary } from './text/vocabulary.ts';
import { createWordCounter } from './text/word-counter.ts';

/**
 * Does a dataset job: reads the corpus, loads or trains its vocabulary, and stores the tokenised documents.
 * The same corpus and settings give the same dataset at the same key, so it may be done twice, anywhere.
 * @returns the key of the manifest
 * @throws BerthError `DATA_CORPUS_*` or `DATA_VOCABULARY_*`
 */
export async function prepareDataset(job: DatasetJob, store: ObjectStore): Promise<string> {
  const { doLowerCase } = job.vocabulary;
  const corpus = await openCorpus(job.corpus);
  const bytes = await vocabularyOf(job, corpus);
  const vocabulary = parseVocabulary(bytes, job.vocabulary.path ?? 'the trained vocabulary');
  const tokenizer = createTokenizer(vocabulary, { doLowerCase });

  async function* tokenised(): AsyncGenerator<{ sentences: TokenSentences }> {
    for await (const { sentences } of corpus.documents())
      yield { sentences: sentences.map((sentence) => tokenizer.tokenize(sentence)) };
  }

  const { manifestKey } = await writeDataset({
    corpusDigest: await corpusDigest(corpus.files),
    sentenceMode: job.corpus.sentenceMode,
    heldOutRatio: job.corpus.heldOutRatio,
    vocabulary: bytes,
    doLowerCase,
    textRules: ownTextRules(process.versions),
    numShards: job.numShards,
    seed: job.seed,
    documents: tokenised(),
    store,
    prefix: 'datasets',
    workFolder: tmpdir(),
  });
  return manifestKey;
}

/** What of the engine decides tokens and sentences. */
function ownTextRules({ unicode, icu }: NodeJS.ProcessVersions): TextRules {
  return { unicode: unicode ?? 'none', icu: icu ?? 'none' };
}

async function vocabularyOf({ vocabulary }: DatasetJob, corpus: Corpus): Promise<Uint8Array> {
  const { path, doLowerCase } = vocabulary;
  if (path !== undefined) {
    try {
      return await readFile(path);
    } catch (error) {
      throw new BerthError('DATA_VOCABULARY_INVALID', `${path}: cannot be read`, { cause: error });
    }
  }
  const counter = createWordCounter({ doLowerCase });
  for await (const { sentences } of corpus.documents()) {
    for (const sentence of sentences) counter.add(sentence);
    await yieldToOthers();
  }
  return serializeVocabulary(trainVocabulary(counter.counts(), vocabulary));
}
