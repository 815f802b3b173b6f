import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { block } from './block.ts';
import { compile } from './compile.ts';
import { traceFunction, type TensorFunction } from './trace.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-traced-'));
const points = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

afterAll(() => rmSync(cacheFolder, { recursive: true }));
