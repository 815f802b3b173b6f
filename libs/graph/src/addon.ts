import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { BerthError } from '@berth/contracts';
import type { Tensor } from '@tensorflow/tfjs-core';
import type * as tfjs from '@tensorflow/tfjs-core';

/** An operation's attribute as the addon takes it. */
export interface AddonAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What berth uses of tfjs-node-gpu's backend. */
export interface AddonBackend {
  readonly binding: {
    readonly TF_Version: string;
    readonly TF_ATTR_BOOL: number;
    readonly TF_ATTR_INT: number;
    readonly TF_ATTR_FLOAT: number;
    readonly TF_ATTR_STRING: number;
    readonly TF_ATTR_TYPE: number;
    readonly TF_ATTR_SHAPE: number;
    /** Set by berth's patch of the addon. */
    readonly berthAddon?: number;
  };
  readonly isUsingGpuDevice: boolean;
  executeMultipleOutputs(
    name: string,
    attributes: readonly AddonAttribute[],
    inputs: readonly Tensor[],
    numOutputs: number,
  ): Tensor[];
  createOutputTensor(metadata: { id: number; shape: number[]; dtype: number }): Tensor;
  getNumOfTFTensors(): number;
}

export interface Addon {
  readonly tf: typeof tfjs;
  readonly backend: AddonBackend;
}

/** RTLD_NODELETE: unloaded with the thread that loaded it, TensorFlow would be called again when the process exits. */
const keepLoaded = 0x1000;

/** The patch that this code counts on; the addon says which one it was built with. */
const addonRevision = 3;

/**
 * Loads tfjs-node-gpu with the addon that `npm run setup` builds. TensorFlow reads its environment here.
 * @throws BerthError `RUNTIME_UNAVAILABLE` when the addon is missing, does not load, or is another build
 */
export function loadAddon(): Addon {
  const require = createRequire(import.meta.url);
  restoreOldHelpers(require('node:util'));
  const tf = require('@tensorflow/tfjs-core') as typeof tfjs;
  try {
    registerBackend(require, tf);
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw unavailable(`TensorFlow does not load: ${reason}`, error);
  }
  const backend = tf.backend() as unknown as AddonBackend;
  if (backend.binding.berthAddon !== addonRevision)
    throw unavailable("tfjs-node-gpu's addon is not the one this version of berth builds");
  return { tf, backend };
}

const packageName = '@tensorflow/tfjs-node-gpu';

/** Where the addon is; undefined where setup has not run. */
export function addonFile(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    return require.resolve(`${packageName}/lib/napi-v8/tfjs_binding.node`);
  } catch {
    return undefined;
  }
}

function unavailable(what: string, cause?: unknown): BerthError {
  return new BerthError('RUNTIME_UNAVAILABLE', `${what}; run: npm run setup`, { cause });
}

/**
 * Does what tfjs-node-gpu's own entry does for computing. That entry also loads its installer and a progress bar, which
 * berth does not have.
 */
function registerBackend(require: NodeJS.Require, tf: typeof tfjs): void {
  const name = packageName;
  require(`${name}/dist/register_all_kernels`);
  const { NodeJSKernelBackend } = require(`${name}/dist/nodejs_kernel_backend`) as {
    NodeJSKernelBackend: new (binding: unknown, packageName: string) => tfjs.KernelBackend;
  };
  const binding = { exports: {} };
  const file = require.resolve(`${name}/lib/napi-v8/tfjs_binding.node`);
  process.dlopen(binding, file, constants.dlopen.RTLD_LAZY | keepLoaded);
  tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding.exports, name), 3);
  void tf.setBackend('tensorflow');
}

/** tfjs-node calls two helpers that Node 22 warns about and Node 23 no longer has. */
function restoreOldHelpers(util: Record<string, unknown>): void {
  util['isArray'] = Array.isArray;
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
}
