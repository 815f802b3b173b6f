export { Answerer } from './answer.ts';
