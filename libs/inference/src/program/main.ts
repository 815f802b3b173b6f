import { createS3ObjectStore } from '@berth/checkpoint';
import { errorToWire, silentLogger } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { Answerer } from '../answer.ts';
import { giveWay } from './give-way.ts';
import type { Answer, Opening, Question } from './messages.ts';

// Training on the same machine goes first: what it leaves of the processor is ours.
void giveWay();
let answerer: Answerer | undefined;
let last: Promise<void> = Promise.resolve();

function open({ s3, numThreads }: Opening): Answerer {
  // GPUs belong to the workers.
  startTensorFlow({ numThreads, device: 'cpu' });
  return new Answerer(s3 && createS3ObjectStore(s3, silentLogger));
}

async function answer({ id, request }: Question): Promise<void> {
  let reply: Answer;
  try {
    if (answerer === undefined) throw new Error('asked before it was opened');
    reply = { id, result: await answerer.answer(request) };
  } catch (error) {
    reply = { id, error: errorToWire(error) };
  }
  process.send?.(reply);
}

process.on('message', (message: Opening | Question) => {
  if ('request' in message) last = last.then(() => answer(message));
  else answerer = open(message);
});
// Whoever started us is gone.
process.on('disconnect', () => process.exit(0));
