import { createHash, type KeyObject } from 'node:crypto';
import type { Socket } from 'node:net';
import { BerthError, type Logger } from '@berth/contracts';
import { ByteSink } from './byte-sink.ts';
import { ByteSource, type Endpoint } from './byte-source.ts';
import {
  type ControlMessage,
  controlPrefixBytes,
  decodeControlPrefix,
  decodeControlText,
  encodeControl,
  type StateMessage,
} from './control.ts';
import { protocolError } from './frame.ts';
import { proveToListener } from './prove-to-listener.ts';
import { peerLost } from './round.ts';

/** Hashing a chunk takes about half a millisecond. */
const chunkBytes = 1 << 20;
const stallTimeoutMs = 30_000;

/** What a member has after `step` steps; the parts must not change until they are sent. */
export interface StateSnapshot {
  readonly step: number;
  readonly parts: readonly Float32Array[];
}

/** @returns `undefined` if this member has no state of the run at that step */
export type StateProvider = (request: {
  readonly runId: string;
  readonly step: number;
}) => Promise<StateSnapshot | undefined>;

export interface StatePeer extends Endpoint {
  readonly memberId: string;
}

export interface StateRequest {
  readonly runId: string;
  readonly step: number;
  /** Elements of each part. */
  readonly partLengths: readonly number[];
  readonly timeoutMs: number;
}

/** Answers one request on a connection of its own, then closes it. */
export async function sendState(
  socket: Socket,
  { runId, step }: StateMessage,
  provide: StateProvider,
  logger: Logger,
): Promise<void> {
  const sink = new ByteSink(socket);
  socket.setTimeout(stallTimeoutMs);
  try {
    const snapshot = await provide({ runId, step });
    if (snapshot?.step !== step) {
      const reason = `has no state of run ${runId} after ${step} steps`;
      await sink.write(encodeControl({ kind: 'absent', reason }));
    } else {
      await sendSnapshot(sink, snapshot);
    }
    await sink.flushed();
    socket.end();
  } catch (error) {
    logger.warn('state not sent', { runId, step, error });
    socket.destroy();
  }
}

async function sendSnapshot(sink: ByteSink, { step, parts }: StateSnapshot): Promise<void> {
  const partLengths = parts.map(({ length }) => length);
  await sink.write(encodeControl({ kind: 'offer', step, partLengths }));
  const hash = createHash('sha256');
  for (const chunk of parts.flatMap(chunksOf)) {
    hash.update(chunk);
    await sink.write(chunk);
  }
  await sink.write(hash.digest());
}

/** @throws BerthError as `PeerNode.fetchState` */
export async function fetchState(
  peer: StatePeer,
  request: StateRequest & { readonly from: string; readonly key: KeyObject },
): Promise<Float32Array[]> {
  const { memberId } = peer;
  const { runId, step, timeoutMs, from, key } = request;
  const source = new ByteSource(peer);
  const timer = setTimeout(() => {
    const message = `state after step ${step} did not arrive from ${memberId} within ${timeoutMs} ms`;
    const details = { missing: memberId, phase: 'state', step };
    source.fail(new BerthError('COLLECTIVE_TIMEOUT', message, { details }));
  }, timeoutMs);
  try {
    await source.connected();
    await proveToListener(source, { key, from, to: memberId, purpose: 'state' });
    source.socket.write(encodeControl({ kind: 'state', runId, step }));
    requireOffer(await readControl(source), request);
    return await readParts(source, request.partLengths);
  } catch (error) {
    throw peerLost(memberId, error);
  } finally {
    clearTimeout(timer);
    source.socket.destroy();
  }
}

async function readControl(source: ByteSource): Promise<ControlMessage> {
  const prefix = Buffer.alloc(controlPrefixBytes);
  await source.readInto(prefix);
  const text = Buffer.alloc(decodeControlPrefix(prefix));
  await source.readInto(text);
  return decodeControlText(text);
}

function requireOffer(message: ControlMessage, { step, partLengths }: StateRequest): void {
  if (message.kind === 'absent') throw new BerthError('COLLECTIVE_ABORTED', message.reason);
  if (message.kind !== 'offer') throw protocolError(`answered ${message.kind} to a state request`);
  const [got, wanted] = [
    [message.step, message.partLengths],
    [step, partLengths],
  ].map((value) => JSON.stringify(value));
  if (got !== wanted) {
    throw protocolError(`offers state with [step, [lengths]] ${got}, not ${wanted}`);
  }
}

async function readParts(
  source: ByteSource,
  partLengths: readonly number[],
): Promise<Float32Array[]> {
  const parts = partLengths.map((length) => new Float32Array(length));
  const hash = createHash('sha256');
  for (const chunk of parts.flatMap(chunksOf)) {
    await source.readInto(chunk);
    hash.update(chunk);
  }
  const sent = Buffer.alloc(32);
  await source.readInto(sent);
  if (!hash.digest().equals(sent)) {
    throw protocolError('the state that arrived does not have the SHA-256 that was sent with it');
  }
  return parts;
}

function chunksOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(byteLength / chunkBytes) }, (_, index) => {
    const offset = index * chunkBytes;
    const length = Math.min(chunkBytes, byteLength - offset);
    return new Uint8Array(buffer, byteOffset + offset, length);
  });
}
