export type { CorpusDocument } from './corpus/corpus-document.ts';
export { corpusDigest } from './corpus/corpus-digest.ts';
export { corpusRootsFrom } from './corpus/corpus-roots.ts';
export { createCorpusTally, mergeCorpusTallies } from './corpus/corpus-tally.ts';
export { digestPieces, type DigestPiecesOptions } from './corpus/digest-pieces.ts';
export {
  findCorpusChunks,
  type CorpusInventory,
  type FindChunksOptions,
} from './corpus/find-corpus-chunks.ts';
export { readChunk, type ReadChunkOptions } from './corpus/read-chunk.ts';
export type { CorpusObject, CorpusObjects } from './corpus/sources/corpus-objects.ts';
export { openCorpus, type Corpus } from './corpus/open-corpus.ts';
export { splitSentences } from './corpus/split-sentences.ts';
export { batchOf, type ExampleRow } from './examples/batch.ts';
export { createDatasetCache, type DatasetReader } from './dataset/dataset-cache.ts';
export { shardGroups } from './dataset/shard-groups.ts';
export { createScratch, type ScratchOptions } from './scratch/scratch.ts';
export type { KeepNumbers, NumberArray, Stretches } from './scratch/stretches.ts';
export { packDocuments } from './dataset/document-shard.ts';
export { spreadEvenly } from './sampling/spread-evenly.ts';
export { epochShardOrder, windowShards } from './sampling/epoch-order.ts';
export { type EpochShards, epochShardsOf } from './sampling/epoch-shards.ts';
export { exampleSetIdOf, makeExampleShard, readExampleShard } from './examples/example-job.ts';
export { exampleSetPrefix, exampleShardKey, trainEpochOfKey } from './examples/example-keys.ts';
export { createForgetting, type DocumentsToForget } from './forgetting/documents-to-forget.ts';
export { findDocuments, type FoundDocument } from './forgetting/find-documents.ts';
export { isDatasetId } from './import/dataset-place.ts';
export { lookAtReadyDataset } from './import/given-manifest.ts';
export { firstUse } from './forgetting/first-use.ts';
export { forgetDocuments, forgottenDatasetId } from './forgetting/forget-documents.ts';
export { inspectDataset } from './inspection/inspect-dataset.ts';
export { inspectLabelled } from './inspection/inspect-labelled.ts';
export {
  replayExamples,
  type ExamplesOfSet,
  type Replay,
  type ReplayOptions,
} from './replay/replay-examples.ts';
export { replayLabelled } from './replay/replay-labelled.ts';
export { storedExamplesOf, taskExamples } from './tasks/index.ts';
export type {
  BaselineMeter,
  ExampleShardReader,
  ExamplesRequest,
  StoredTaskExamples,
  TaskExamples,
} from './tasks/task-examples.ts';
export { encodeExampleShard, type ExampleShardFacts } from './tasks/pretraining/example-shard.ts';
export type { ExampleSettings, ExampleVocabulary } from './tasks/pretraining/settings.ts';
export type { Example } from './tasks/pretraining/example.ts';
export { generateExamples, type GenerateOptions } from './tasks/pretraining/generate.ts';
export {
  generateGoogleExamples,
  type GoogleExamplesOptions,
} from './tasks/pretraining/google-examples.ts';
export { readTextStatistics, type TextStatistics } from './dataset/text-statistics.ts';
export {
  isLabelled,
  readAnyDataset,
  readDatasetManifest,
  readDatasetVocabulary,
  readDocumentShard,
  readLabelledDataset,
} from './dataset/read-dataset.ts';
export {
  createSampler,
  type ExampleRef,
  type Sampler,
  type SamplerOptions,
} from './sampling/sampler.ts';
export type { TokenDocuments, TokenSentences, TokenSource } from './dataset/token-documents.ts';
export { openRows, rowFormats, type OpenRowsOptions, type RowFormat } from './rows/open-rows.ts';
export type { ConllColumns } from './rows/conll-rows.ts';
export type { Row, RowPlace, RowSource } from './rows/row.ts';
export {
  copyTaskExample,
  fingerprintExamples,
  type TaskExample,
  type TokensOfExample,
} from './tasks/fine-tuning/task-example.ts';
export {
  cutText,
  heldOutRowOf,
  packHeldOutRows,
  readDatasetHeldOutRows,
  readHeldOutRows,
  windowOfRow,
  type HeldOutRow,
  type TextRow,
  type WindowRow,
  type WordRow,
} from './tasks/fine-tuning/held-out-rows.ts';
export { checkLabelledFiles } from './tasks/fine-tuning/check-labelled-files.ts';
export { prepareLabelledDataset } from './tasks/fine-tuning/prepare-labelled-dataset.ts';
export {
  examplesOfRows,
  surveyRows,
  type LabelledExample,
  type RowSurvey,
} from './tasks/fine-tuning/labelled-rows.ts';
export {
  countPredictionRows,
  predictionRows,
  type PredictionRow,
  type PredictionRowsOptions,
} from './tasks/prediction/prediction-rows.ts';
export { readJsonlRows } from './rows/jsonl-rows.ts';
export { labelledExamples } from './tasks/fine-tuning/labelled-examples.ts';
export {
  makeLabelledShards,
  type LabelledShards,
  type LabelledShardsRequest,
} from './tasks/fine-tuning/make-labelled-shards.ts';
export type { TextColumns } from './tasks/fine-tuning/columns.ts';
export { balancedWeights, type LabelCensus } from './tasks/fine-tuning/labels.ts';
export {
  tokensOfTexts,
  type TextExample,
  type TextExampleOptions,
} from './tasks/fine-tuning/text-pairs.ts';
export {
  classifyExamples,
  surveyClasses,
  type ClassifyOptions,
  type ClassOptions,
} from './tasks/classify/classify-examples.ts';
export { regressExamples } from './tasks/regress/regress-examples.ts';
export {
  surveyTags,
  tagExamples,
  tokensOfWords,
  type TagColumns,
  type TagExample,
  type TagOptions,
} from './tasks/tag/tag-examples.ts';
export {
  answerWindows,
  defaultWindows,
  windowsOfQuestion,
  type AnswerOptions,
  type AnswerWindow,
  type WindowSettings,
} from './tasks/answer/answer-windows.ts';
export {
  bestAnswer,
  type AnswerCandidate,
  type BestAnswer,
  type BestAnswerOptions,
  type WindowLogits,
} from './tasks/answer/best-answers.ts';
export type { Question, TextSpan } from './tasks/answer/question.ts';
export { JsonFile, readJsonFile } from './tokenizer-files/json-file.ts';
export { readTokenizer } from './tokenizer-files/read-tokenizer.ts';
export { readVocabularyFile } from './tokenizer-files/read-vocabulary-file.ts';
export { createSpanTokenizer, type TokenSpans } from './text/span-tokenizer.ts';
export { oldEntriesOf } from './text/old-entries.ts';
export type { BasicTokenizerOptions } from './text/basic-tokenizer.ts';
export {
  createTokenizer,
  createTokenTally,
  type PausingTokenizer,
  type Tokenizer,
  type TokenizerOptions,
  type TokenTally,
} from './text/tokenizer.ts';
export { madeVocabularyId, trainVocabulary } from './text/train-vocabulary.ts';
export {
  continuationPrefix,
  createVocabulary,
  parseVocabulary,
  serializeVocabulary,
  specialTokens,
  type Vocabulary,
} from './text/vocabulary.ts';
export {
  createWordCounter,
  type WordCounter,
  type WordCounterOptions,
} from './text/word-counter.ts';
export {
  decodeWordCounts,
  encodeWordCounts,
  type StoredWordCounts,
  type WordCounts,
} from './text/word-counts.ts';
export { mergeWordCounts, type MergeLimits } from './text/merge-word-counts.ts';
export { finish, giveTurn, inTurns, isTurnDue, type Work } from './text/work.ts';
export { prepareDataset, type PrepareOptions } from './dataset/prepare-dataset.ts';
export {
  assembledKey,
  chunkKey,
  datasetPrefix,
  datasetPrefixOf,
  isBetween,
  isMadeByBerth,
  manifestKeyOf,
  planKey,
  planPrefix,
  recipeKey,
  requestKey,
  surveyKey,
  textKey,
  tokenisedKey,
  wordsKey,
} from './preparation/keys.ts';
export { getPieces, serializePieces } from './preparation/dataset-identity.ts';
export { decideNext, type DatasetRequest, type NextOfDataset } from './preparation/decide-next.ts';
export { doDatasetJob, putRequest, tidyPlan } from './preparation/do-dataset-job.ts';
export { optionsIdOf, wordsFor } from './preparation/make-vocabulary.ts';
export { numListsByLevel } from './preparation/merge-words.ts';
export type { StageOptions } from './preparation/stage-options.ts';
export { lookWhatIsThere, type JobAnswers, type WhatIsThere } from './preparation/what-is-there.ts';
export { takeAnswer } from './preparation/take-answer.ts';
