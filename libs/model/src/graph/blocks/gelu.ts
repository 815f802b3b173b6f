import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';

const { add, mul, square } = ops;
const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** An activation with its derivative. */
interface Activation {
  readonly value: (x: Value) => Value;
  readonly slope: (x: Value) => Value;
}

/** Formulas: src/blocks/gelu.ts. */
export const activations: Record<ModelConfig['hiddenAct'], Activation> = {
  gelu_new: {
    value: (x) => mul(mul(x, 0.5), add(tangent(x), 1)),
    slope: (x) => {
      const t = tangent(x);
      const innerSlope = add(mul(square(x), 3 * rootTwoOverPi * cubic), rootTwoOverPi);
      const tangentSlope = mul(mul(x, innerSlope), ops.sub(1, square(t)));
      return mul(add(add(tangentSlope, t), 1), 0.5);
    },
  },
  gelu: {
    value: (x) => mul(x, phi(x)),
    slope: (x) => {
      const density = mul(ops.exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return add(phi(x), mul(x, density));
    },
  },
};

function tangent(x: Value): Value {
  return ops.tanh(mul(x, add(mul(square(x), rootTwoOverPi * cubic), rootTwoOverPi)));
}

/** The normal distribution function. */
function phi(x: Value): Value {
  return mul(add(ops.erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}
