import type { ExampleSettings, ExampleVocabulary } from './settings.ts';
import { maskedExample, type SourcedExample } from './example.ts';
import { MersenneTwister } from '../../random/mersenne-twister.ts';
import { shuffle } from '../../random/random-source.ts';
import { chancesInOrder, segmentPairs, type NextSentencePicker } from './segment-pairs.ts';
import { packDocuments } from '../../dataset/document-shard.ts';
import type { TokenDocuments, TokenSentences } from '../../dataset/token-documents.ts';
import { createPieceContinuations } from './word-continuations.ts';

export interface GoogleExamplesOptions {
  readonly vocabulary: ExampleVocabulary;
  readonly settings: ExampleSettings;
  /** Passes over the corpus, each with its own pairs and masks. */
  readonly dupeFactor: number;
  readonly seed: number;
}

/**
 * The examples of google-research/bert `create_pretraining_data.py`, bit for bit and in its output order, all in
 * memory. Quirk kept: with one document a random next segment comes from that document.
 */
export function generateGoogleExamples(
  documents: Iterable<TokenSentences>,
  { vocabulary, settings, dupeFactor, seed }: GoogleExamplesOptions,
): SourcedExample[] {
  const random = new MersenneTwister(seed);
  const shuffled = [...documents].filter((document) => document.some(({ length }) => length > 0));
  shuffle(shuffled, random);
  const packed = packDocuments(shuffled);
  const pairOptions = {
    numTokens: settings.maxSeqLength - 3,
    shortSeqRatio: settings.shortSeqRatio,
    pickNext: tenTries(packed),
  };
  const continuesWord =
    settings.masking === 'word' ? createPieceContinuations(vocabulary.tokens) : undefined;
  const chances = chancesInOrder(random);
  const examples: SourcedExample[] = [];
  for (let pass = 0; pass < dupeFactor; pass++) {
    for (let document = 0; document < shuffled.length; document++) {
      for (const pair of segmentPairs(packed, document, chances, pairOptions)) {
        examples.push(maskedExample(packed, pair, settings, vocabulary, continuesWord, random));
      }
    }
  }
  shuffle(examples, random);
  return examples;
}

/** Documents in the order in which it takes them. */
export function shuffledDocuments(documents: Uint32Array, seed: number): Uint32Array {
  const shuffled = documents.slice();
  shuffle(shuffled, new MersenneTwister(seed));
  return shuffled;
}

/** Any sentence of any document, drawn up to ten times until it is not the current one. */
function tenTries(documents: TokenDocuments): NextSentencePicker {
  const { documentStarts } = documents;
  const lastDocument = documentStarts.length - 2;
  return (random, current) => {
    let document = current;
    for (let tries = 0; tries < 10 && document === current; tries++) {
      document = random.randint(0, lastDocument);
    }
    const first = documentStarts[document]!;
    const numSentences = documentStarts[document + 1]! - first;
    return { documents, document, sentence: first + random.randint(0, numSentences - 1) };
  };
}
