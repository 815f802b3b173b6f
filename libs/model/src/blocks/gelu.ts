import { add, erf, exp, mul, square, sub, tanh, type Tensor } from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** Google's form: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export function geluTanh<T extends Tensor>(x: T): T {
  return withGradient(
    [x],
    () => {
      const slope = add(mul(square(x), rootTwoOverPi * cubic), rootTwoOverPi);
      const tangent: Tensor = tanh(mul(x, slope));
      return { output: mul<T>(mul(x, 0.5), add(tangent, 1)), saved: [x, tangent] };
    },
    (dy, [x, tangent]) => {
      const innerSlope = add(mul(square(x), 3 * rootTwoOverPi * cubic), rootTwoOverPi);
      const tangentSlope = mul(mul(x, innerSlope), sub(1, square(tangent)));
      return [mul(mul(dy, 0.5), add(add(tangentSlope, tangent), 1))];
    },
  );
}

/** The exact form: x Phi(x), Phi the normal distribution function. */
export function geluErf<T extends Tensor>(x: T): T {
  return withGradient(
    [x],
    () => {
      const phi: Tensor = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
      return { output: mul<T>(x, phi), saved: [x, phi] };
    },
    (dy, [x, phi]) => {
      const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return [mul(dy, add(phi, mul(x, density)))];
    },
  );
}
