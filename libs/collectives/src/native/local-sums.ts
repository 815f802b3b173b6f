import { closeSync } from 'node:fs';
import { loadAddon } from './addon.ts';

/** How members that start here would sum. */
export interface LocalSums {
  /** Of which instructions the kernels are. */
  readonly kernels: string;
  /** Why members of this machine send each other what they could read in each other's memory, if they do. */
  readonly unshared?: string;
}

export function localSums(): LocalSums {
  const addon = loadAddon();
  if (typeof addon === 'string') return { kernels: 'wasm', unshared: addon };
  const kernels = addon.chooseKernels() ?? 'wasm';
  try {
    closeSync(addon.createFile());
    return { kernels };
  } catch (error) {
    return { kernels, unshared: error instanceof Error ? error.message : String(error) };
  }
}
