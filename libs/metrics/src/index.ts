export {
  accuracy,
  confusionMatrix,
  countsOfClasses,
  countsOfLabels,
  exactMatchRatio,
  matthews,
  type ConfusionMatrix,
} from './classification.ts';
export {
  averageScores,
  f1,
  scoresOf,
  type Averages,
  type Counts,
  type Scores,
} from './precision-recall.ts';
export { pearson, spearman } from './correlation.ts';
export { entitiesOf, type Entity } from './entities/entities.ts';
export { strictEntitiesOf, tagSchemes, type TagScheme } from './entities/strict-entities.ts';
export {
  createEntityCounter,
  entityReport,
  type EntityCounter,
  type EntityReport,
} from './entities/entity-report.ts';
export { answerTokens, exactMatch, normalizeAnswer, tokenF1 } from './answers/compare-answers.ts';
export {
  scoreAnswer,
  scoreAnswers,
  summarizeAnswers,
  type AnswerReport,
  type AnswerScores,
  type AnsweredQuestion,
  type BestThreshold,
  type ScoredAnswer,
} from './answers/score-answers.ts';
