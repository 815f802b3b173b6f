import type { OptimizerConfig } from '@berth/contracts';
import { ops, type FunctionBody, type Graph, type GraphVariable, type Value } from '@berth/graph';
import type { GraphParameter } from './graph-parameters.ts';

const { add, div, mul, sub } = ops;

/** What changes from update to update, as scalars. */
export const updateInputs = [
  'clipFactor',
  'learningRate',
  'firstCorrection',
  'secondCorrection',
] as const;
export type UpdateScalars<T> = Readonly<Record<(typeof updateInputs)[number], T>>;

/** A parameter's variables. */
export interface ParameterVariables {
  readonly weight: GraphVariable;
  readonly firstMoment: GraphVariable;
  readonly secondMoment: GraphVariable;
}

type Rule = (
  config: OptimizerConfig,
  parameter: GraphParameter,
  scalars: UpdateScalars<Value>,
  weight: Value,
  moments: { readonly first: Value; readonly second: Value },
) => Value;

/** New weight from the old one and the new moments; formulas: src/optimizers. */
const rules: Record<OptimizerConfig['name'], Rule> = {
  adamw: (config, { decayed }, { learningRate }, weight, { first, second }) => {
    const direction = div(first, add(ops.sqrt(second), config.epsilon));
    const update = decayed ? add(direction, mul(weight, config.weightDecay)) : direction;
    return sub(weight, mul(update, learningRate));
  },
  lamb: (config, parameter, scalars, weight, { first, second }) => {
    const correctedFirst = div(first, scalars.firstCorrection);
    const correctedSecond = div(second, scalars.secondCorrection);
    const direction = div(correctedFirst, add(ops.sqrt(correctedSecond), config.epsilon));
    const update = parameter.decayed
      ? decayAndScale(weight, direction, parameter, config.weightDecay)
      : direction;
    return sub(weight, mul(update, scalars.learningRate));
  },
};

/** Updates all parameters in one compiled pass; gives a scalar that exists when it is done. */
export function updateAll(
  graph: Graph,
  config: OptimizerConfig,
  parameters: readonly GraphParameter[],
  variables: readonly ParameterVariables[],
  gradients: readonly Value[],
  scalars: UpdateScalars<Value>,
): Value {
  const handles = variables.flatMap((state) => Object.values(state).map(({ handle }) => handle));
  const args = [...updateInputs.map((name) => scalars[name]), ...handles, ...gradients];
  const body = (scope: FunctionBody): Value[] => {
    const inner = [...scope.arguments];
    const scalarArgs = inner.splice(0, updateInputs.length);
    const stateArgs = inner.splice(0, handles.length);
    const named = Object.fromEntries(
      updateInputs.map((name, index) => [name, scalarArgs[index]]),
    ) as UpdateScalars<Value>;
    parameters.forEach((parameter, index) => {
      const states = stateArgs.slice(3 * index, 3 * index + 3);
      updateOne(scope, config, parameter, named, states, inner[index] as Value);
    });
    return [ops.identity(named.learningRate)];
  };
  const [done] = graph.callWithEffects('update', body, args);
  return done as Value;
}

function updateOne(
  scope: FunctionBody,
  config: OptimizerConfig,
  parameter: GraphParameter,
  scalars: UpdateScalars<Value>,
  handles: readonly Value[],
  gradient: Value,
): void {
  const spec = { dtype: 'float32', shape: parameter.shape } as const;
  const [weight, oldFirst, oldSecond] = handles.map((handle) =>
    scope.readVariable(handle, spec),
  ) as [Value, Value, Value];
  const clipped = mul(gradient, scalars.clipFactor);
  const { beta1, beta2 } = config;
  const first = add(mul(oldFirst, beta1), mul(clipped, 1 - beta1));
  const second = add(mul(oldSecond, beta2), mul(ops.square(clipped), 1 - beta2));
  const next = rules[config.name](config, parameter, scalars, weight, { first, second });
  [next, first, second].forEach((value, index) => scope.assign(handles[index] as Value, value));
}

/** LAMB's length, each of the joined parameters on its own. */
function decayAndScale(
  weight: Value,
  direction: Value,
  { shape, parts }: GraphParameter,
  weightDecay: number,
): Value {
  const update = add(direction, mul(weight, weightDecay));
  const apart = [...shape.slice(0, -1), parts.length, (shape.at(-1) ?? 0) / parts.length];
  const weightNorm = norms(ops.reshape(weight, apart));
  const updateNorm = norms(ops.reshape(update, apart));
  const bothPositive = ops.logicalAnd(ops.greater(weightNorm, 0), ops.greater(updateNorm, 0));
  const trustRatio = ops.select(bothPositive, div(weightNorm, updateNorm), 1);
  return ops.reshape(mul(ops.reshape(update, apart), trustRatio), shape);
}

/** Euclidean lengths over all axes but the last but one; rows first, so that no sum is long. */
function norms(x: Value): Value {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== x.shape.length - 2);
  const lastFirst = ops.sum(ops.square(x), [x.shape.length - 1], true);
  return ops.sqrt(ops.sum(lastFirst, axes, true));
}
