export { createJobConsumer, type JobConsumer, type JobConsumerOptions } from './job-consumer.ts';
export { createJobBoard, type JobBoard } from './job-board.ts';
export { jobIdOf } from './job-flow.ts';
export {
  createJobProducer,
  type EnqueueOptions,
  type JobCounts,
  type JobProducer,
} from './job-producer.ts';
export {
  answerModelQuestions,
  createModelQuestions,
  type ModelQuestions,
} from './model-questions.ts';
