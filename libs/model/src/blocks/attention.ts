// Shapes: B examples, N heads, S tokens, Q queries, D head size.
import {
  add,
  matMul,
  mul,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

export interface AttentionInputs {
  readonly query_BNSD: Tensor4D;
  readonly key_BNSD: Tensor4D;
  readonly value_BNSD: Tensor4D;
  /** Added to the scores: 0 for keys that a query sees, -10000 for others; Q is 1 or S. */
  readonly bias_B1QS: Tensor4D;
  /** Multiplies the probabilities; left out when nothing is dropped. */
  readonly dropoutMask_BNSS: Tensor | undefined;
}

/** dropout(softmax(q k^T / sqrt(D) + bias)) v. */
export function attention(inputs: AttentionInputs): Tensor4D {
  const { query_BNSD, key_BNSD, value_BNSD, bias_B1QS, dropoutMask_BNSS } = inputs;
  const scale = 1 / Math.sqrt(query_BNSD.shape[3]);
  return withGradient(
    [query_BNSD, key_BNSD, value_BNSD],
    () => {
      const scores_BNSS = mul<Tensor4D>(matMul(query_BNSD, key_BNSD, false, true), scale);
      const probabilities_BNSS = softmax(add<Tensor4D>(scores_BNSS, bias_B1QS));
      const kept_BNSS = drop(probabilities_BNSS, dropoutMask_BNSS);
      const saved = [query_BNSD, key_BNSD, value_BNSD, probabilities_BNSS] as const;
      return {
        output: matMul<Tensor4D>(kept_BNSS, value_BNSD),
        saved: dropoutMask_BNSS === undefined ? saved : ([...saved, dropoutMask_BNSS] as const),
      };
    },
    (dy_BNSD, [query_BNSD, key_BNSD, value_BNSD, probabilities_BNSS, dropoutMask_BNSS]) => {
      const kept_BNSS = drop(probabilities_BNSS, dropoutMask_BNSS);
      const dKept_BNSS = matMul<Tensor4D>(dy_BNSD, value_BNSD, false, true);
      const dProbabilities_BNSS = drop(dKept_BNSS, dropoutMask_BNSS);
      const dScores_BNSS = mul<Tensor4D>(
        softmaxGradient(probabilities_BNSS, dProbabilities_BNSS),
        scale,
      );
      return [
        matMul(dScores_BNSS, key_BNSD),
        matMul(dScores_BNSS, query_BNSD, true, false),
        matMul(kept_BNSS, dy_BNSD, true, false),
      ];
    },
  );
}

function drop(values: Tensor4D, mask: Tensor | undefined): Tensor4D {
  return mask === undefined ? values : mul(values, mask);
}

function softmaxGradient(probabilities: Tensor4D, gradient: Tensor4D): Tensor4D {
  const projection = sum(mul(probabilities, gradient), -1, true);
  return mul(probabilities, sub(gradient, projection));
}
