// Prints the fingerprint of the engine that a spec asks for, in a process of its own.
import { startTensorFlow } from '@berth/graph';
import { createEngine } from '../dist/threads/create-engine.js';
import { warmUp } from '../dist/threads/warm-up.js';

const spec = JSON.parse(process.argv[2]);
console.log(warmUp(createEngine(spec, startTensorFlow({ numThreads: 1, device: 'cpu' })), spec));
process.exit(0);
