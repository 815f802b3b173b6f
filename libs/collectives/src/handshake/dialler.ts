import type { KeyObject } from 'node:crypto';
import { BerthError, toBerthError } from '@berth/contracts';
import type { ByteSource } from '../connections/byte-source.ts';
import { protocolError } from '../connections/frame.ts';
import {
  decodeReply,
  encodeHello,
  handshakeTimeoutMs,
  isProof,
  newNonce,
  prove,
  type Purpose,
  replyBytes,
  secretsDiffer,
  type Status,
} from './messages.ts';

export interface DialledPeer {
  readonly key: KeyObject;
  readonly from: string;
  readonly to: string;
  readonly purpose: Purpose;
  /** What messages call the listener. @defaultValue `to` */
  readonly name?: string;
}

/**
 * The dialling side of the handshake. The dialler proves itself first: who merely reaches a member's port learns nothing
 * that depends on the secret. On failure the connection is closed.
 * @throws BerthError `COLLECTIVE_UNAUTHENTICATED` if the secrets differ, `COLLECTIVE_TIMEOUT` if the peer is slow or busy, so
 * that another call may help, `COLLECTIVE_PROTOCOL`, or the connection's error
 */
export async function proveToListener(source: ByteSource, peer: DialledPeer): Promise<void> {
  const { key, from, to, purpose, name = to } = peer;
  const timer = setTimeout(() => source.fail(tooSlow(name)), handshakeTimeoutMs);
  try {
    const hello = encodeHello({ purpose, from, to, nonce: newNonce() });
    source.socket.write(hello);
    const nonce = await readPayload(source, peer, 'challenge');
    source.socket.write(prove(key, 'dialler', hello, nonce));
    const proof = await readPayload(source, peer, 'welcome');
    if (!isProof(prove(key, 'listener', hello, nonce), proof)) throw secretsDiffer(from, [name]);
  } catch (error) {
    source.fail(error instanceof Error ? error : toBerthError(error));
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function readPayload(
  source: ByteSource,
  { from, to, name = to }: DialledPeer,
  due: Status,
): Promise<Buffer> {
  const bytes = Buffer.alloc(replyBytes);
  await source.readInto(bytes);
  const { status, payload } = decodeReply(bytes);
  if (status === due) return payload;
  switch (status) {
    case 'differs':
      throw secretsDiffer(from, [name]);
    case 'busy':
      throw new BerthError('COLLECTIVE_TIMEOUT', `${name} has too many calls to answer this one`, {
        details: { missing: name, phase: 'handshake' },
      });
    case 'elsewhere':
      throw new Error('another member listens at its address');
    case 'challenge':
    case 'welcome':
    case 'through':
    case 'absent':
      throw protocolError(`a handshake has ${status} where ${due} is due`);
  }
}

function tooSlow(to: string): BerthError {
  const message = `${to} did not end the handshake within ${handshakeTimeoutMs} ms`;
  const details = { missing: to, phase: 'handshake' };
  return new BerthError('COLLECTIVE_TIMEOUT', message, { details });
}
