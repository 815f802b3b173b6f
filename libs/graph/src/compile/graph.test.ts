import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { openGraphSession, type GraphSession } from './graph-session.ts';
import { Graph } from './graph.ts';
import * as ops from './ops.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-graph-'));

afterAll(() => rmSync(cacheFolder, { recursive: true }));

function open(graph: Graph): GraphSession {
  return openGraphSession(tensorFlow, graph, { cacheFolder });
}

/** A counter to which runs add a vector. */
function counterGraph(): Graph {
  const graph = new Graph();
  const spec = { dtype: 'float32', shape: [2] } as const;
  const x = graph.placeholder('x', spec);
  const total = graph.variable('total', spec);
  graph.signature('reset', {
    inputs: { x },
    outputs: { ok: ops.done(graph, [graph.assign(total, x)]) },
  });
  graph.signature('add', {
    inputs: { x },
    outputs: { ok: ops.done(graph, [graph.assignAdd(total, x)]) },
  });
  graph.signature('read', { inputs: {}, outputs: { total: graph.read(total) } });
  return graph;
}

describe('a graph session', () => {
  it('keeps variables between runs, of its own session only', () => {
    const first = open(counterGraph());
    const second = open(counterGraph());
    first.run('reset', { x: Float32Array.of(1, 2) });
    second.run('reset', { x: Float32Array.of(0, 0) });
    first.run('add', { x: Float32Array.of(10, 20) });
    const before = first.run('read')['total'];
    first.run('add', { x: Float32Array.of(10, 20) });
    expect(before).toEqual(Float32Array.of(11, 22));
    expect(first.run('read')['total']).toEqual(Float32Array.of(21, 42));
    expect(second.run('read')['total']).toEqual(Float32Array.of(0, 0));
    first.dispose();
    second.dispose();
  });

  it('copies what it gives to memory that the caller has, of any type', () => {
    const graph = counterGraph();
    const x = graph.placeholder('y', { dtype: 'float32', shape: [3] });
    graph.signature('keep', {
      inputs: { x },
      outputs: { ok: ops.done(graph, [graph.assign(graph.variable('kept', x), x)]) },
    });
    const kept = graph.read(graph.variable('kept', x));
    graph.signature('both', { inputs: {}, outputs: { kept, half: ops.cast(kept, 'bfloat16') } });
    const session = open(graph);
    session.run('keep', { x: Float32Array.of(1, -2.5, 3) });
    const numTensors = tensorFlow.numTensors();
    const target = new Float32Array(new SharedArrayBuffer(20));
    const half = new Uint16Array(3);
    session.runInto('both', { kept: target.subarray(1, 4), half });
    expect([...target]).toEqual([0, 1, -2.5, 3, 0]);
    expect([...half]).toEqual([0x3f80, 0xc020, 0x4040]);
    expect(() => session.runInto('both', { kept: target, half })).toThrow(
      'a Uint8Array of as many',
    );
    expect(() => session.runInto('both', { kept: target.subarray(2) })).toThrow('cannot copy half');
    expect(tensorFlow.numTensors()).toBe(numTensors);
    session.dispose();
  });

  it('calls one compiled block from many places', () => {
    const graph = new Graph();
    const x = graph.placeholder('x', { dtype: 'float32', shape: [3] });
    let numBuilt = 0;
    let y = x;
    for (let call = 0; call < 3; call++) {
      [y] = graph.call(
        'halve_and_add_one',
        (value) => {
          numBuilt++;
          return [ops.add(ops.mul(value, 0.5), 1)];
        },
        [y],
      ) as [typeof x];
    }
    graph.signature('run', { inputs: { x }, outputs: { y } });
    const session = open(graph);
    expect(numBuilt).toBe(1);
    expect(session.run('run', { x: Float32Array.of(0, 8, -8) })['y']).toEqual(
      Float32Array.of(1.75, 2.75, 0.75),
    );
    session.dispose();
  });

  it('updates several variables in one compiled block', () => {
    const graph = new Graph();
    const spec = { dtype: 'float32', shape: [2] } as const;
    const x = graph.placeholder('x', spec);
    const [a, b] = [graph.variable('a', spec), graph.variable('b', spec)];
    const ready = ops.done(graph, [graph.assign(a, x), graph.assign(b, ops.mul(x, 2))]);
    graph.signature('set', { inputs: { x }, outputs: { ready } });
    const [swapped] = graph.callWithEffects(
      'swap',
      (scope) => {
        const [left, right] = scope.arguments as [typeof x, typeof x];
        const [oldLeft, oldRight] = [
          scope.readVariable(left, spec),
          scope.readVariable(right, spec),
        ];
        scope.assign(left, oldRight);
        scope.assign(right, oldLeft);
        return [ops.sum(oldLeft, [0])];
      },
      [a.handle, b.handle],
    ) as [typeof x];
    graph.signature('swap', { inputs: {}, outputs: { swapped } });
    graph.signature('read', { inputs: {}, outputs: { a: graph.read(a), b: graph.read(b) } });
    const session = open(graph);
    session.run('set', { x: Float32Array.of(1, 2) });
    expect(session.run('swap')['swapped']).toEqual(Float32Array.of(3));
    expect(session.run('read')).toEqual({ a: Float32Array.of(2, 4), b: Float32Array.of(1, 2) });
    session.dispose();
  });

  it('is cached under the hash of the graph', () => {
    const numBefore = readdirSync(cacheFolder).length;
    const build = (factor: number): void => {
      const graph = new Graph();
      const x = graph.placeholder('x', { dtype: 'float32', shape: [1] });
      graph.signature('run', { inputs: { x }, outputs: { y: ops.mul(x, factor) } });
      open(graph).dispose();
    };
    [3, 3, 4].forEach(build);
    expect(readdirSync(cacheFolder)).toHaveLength(numBefore + 2);
  });

  it('says which input is missing, and what TensorFlow refused', () => {
    const session = open(counterGraph());
    expect(() => session.run('add', { x: Float32Array.of(1) })).toThrow('input x has 1 elements');
    expect(() => session.run('read')).toThrow('TensorFlow cannot run read');
    session.dispose();
  });

  it('holds no tensors between runs', () => {
    const session = open(counterGraph());
    const numBefore = tensorFlow.numTensors();
    session.run('reset', { x: Float32Array.of(1, 2) });
    for (let run = 0; run < 50; run++) session.run('read');
    expect(tensorFlow.numTensors()).toBe(numBefore);
    session.dispose();
  });
});

describe('a graph', () => {
  it('makes equal nodes once', () => {
    const graph = new Graph();
    const x = graph.placeholder('x', { dtype: 'float32', shape: [4] });
    expect(ops.add(x, 1)).toBe(ops.add(x, 1));
    expect(ops.add(x, 1)).not.toBe(ops.add(x, 2));
  });

  it('refuses a value of another scope', () => {
    const [graph, other] = [new Graph(), new Graph()];
    const spec = { dtype: 'float32', shape: [1] } as const;
    const foreign = other.placeholder('y', spec);
    expect(() => ops.add(graph.placeholder('x', spec), foreign)).toThrow('pass it as an argument');
  });

  it('refuses shapes that do not fit', () => {
    const graph = new Graph();
    const x = graph.placeholder('x', { dtype: 'float32', shape: [2, 3] });
    const y = graph.placeholder('y', { dtype: 'float32', shape: [2] });
    expect(() => ops.add(x, y)).toThrow('shapes [2, 3] and [2] do not fit');
  });
});
