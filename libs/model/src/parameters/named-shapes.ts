/** A parameter by Google's name (docs/bert.md#parameters). */
export type NamedShape = readonly [name: string, shape: readonly number[]];

export function denseShapes(scope: string, numInputs: number, numOutputs: number): NamedShape[] {
  return [
    [`${scope}/kernel`, [numInputs, numOutputs]],
    [`${scope}/bias`, [numOutputs]],
  ];
}

export function layerNormShapes(scope: string, size: number): NamedShape[] {
  return [
    [`${scope}/LayerNorm/gamma`, [size]],
    [`${scope}/LayerNorm/beta`, [size]],
  ];
}
