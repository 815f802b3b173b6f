// Functions for compile-module.mjs to compile in a child process.
import { twice } from './module-import.mjs';

/** Adds to a running total; makes 64 MiB of variables and as much again on the way. */
export function total({ tf }, { rows }) {
  const sum = tf.variable(tf.zeros([rows, 1024]), true, 'sum/all');
  const numCalls = tf.variable(tf.tensor1d([7, 8], 'int32'), false, 'calls');
  const fn = (x) => {
    sum.assign(tf.add(sum, tf.add(tf.zeros([rows, 1024]), tf.mul(x, twice))));
    numCalls.assign(tf.add(numCalls, tf.scalar(1, 'int32')));
    return [tf.mean(sum), numCalls];
  };
  return { fn, example: [tf.scalar(1)] };
}

export function reading({ tf }) {
  return { fn: (x) => tf.mul(x, tf.max(x).dataSync()[0]), example: [tf.scalar(1)] };
}

export function endless() {
  for (;;);
}

export function crashing() {
  process.stderr.write('the last words\n');
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

export const notAFunction = 1;
