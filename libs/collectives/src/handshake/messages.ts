import {
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { BerthError } from '@berth/contracts';
import { protocolError } from '../connections/frame.ts';

/**
 * What a proven connection may be used for: the frames of a view; one request for state; whatever the listener would dial for, since it
 * cannot reach the dialler; a way to the member that is called, from a relay to which that one lends.
 */
export const purposes = ['join', 'state', 'lend', 'relay'] as const;
export type Purpose = (typeof purposes)[number];

/** The side of a connection; part of a proof, so that nobody's own proof can be sent back to it. */
export type Role = 'dialler' | 'listener';

/** Who calls whom, and what for. Both proofs cover all of it. */
export interface Hello {
  readonly purpose: Purpose;
  readonly from: string;
  readonly to: string;
  readonly nonce: Buffer;
}

/**
 * `challenge`: carries the listener's nonce. `welcome`: carries its proof; the dialler may speak. `differs`: the dialler's proof
 * is wrong. `elsewhere`: it is right, but another member listens here. `busy`: call again later. Of a relay besides, after its
 * welcome: `through`: what follows comes from the member that was called; `absent`: that one has lent it nothing.
 */
const statuses = [
  'challenge',
  'welcome',
  'differs',
  'elsewhere',
  'busy',
  'through',
  'absent',
] as const;
export type Status = (typeof statuses)[number];

export interface Reply {
  readonly status: Status;
  /** The nonce or the proof. */
  readonly payload: Buffer;
}

/** Longest time from the first byte to the last one, on either side. */
export const handshakeTimeoutMs = 2_000;
const nonceBytes = 32;
export const proofBytes = 32;
export const replyBytes = 40;
/** What a listener sends on a connection before the first byte that has to do with training. */
export const listenerBytes = 2 * replyBytes;
const maxIdBytes = 255;
const helloHeaderBytes = 40;
const magic = Buffer.from('BRTA');
const version = 1;

/** The key of all proofs. Nothing else of the secret is kept, and a `KeyObject` shows nothing of itself in a log. */
export function deriveKey(secret: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'berth peers', 32)));
}

export function newNonce(): Buffer {
  return randomBytes(nonceBytes);
}

/**
 * What shows that a side has the key, for these two nonces, ids and this purpose only.
 * @param hello - the dialler's first message as it travels, which holds its nonce and the protocol's version
 */
export function prove(key: KeyObject, role: Role, hello: Buffer, listenerNonce: Buffer): Buffer {
  return createHmac('sha256', key).update(`${role}:`).update(listenerNonce).update(hello).digest();
}

/** Compares in constant time. */
export function isProof(expected: Buffer, got: Buffer): boolean {
  return got.length === expected.length && timingSafeEqual(got, expected);
}

/**
 * Layout: magic 4 bytes, version u8, purpose u8, lengths of both ids u8 u8, nonce 32 bytes, the ids in UTF-8.
 * @throws BerthError `CONFIG_INVALID` if an id is longer than 255 bytes
 */
export function encodeHello({ purpose, from, to, nonce }: Hello): Buffer {
  const ids = [from, to].map((id) => Buffer.from(id));
  const tooLong = ids.find((id) => id.length > maxIdBytes);
  if (tooLong !== undefined) {
    throw new BerthError(
      'CONFIG_INVALID',
      `member id ${tooLong.toString('utf8', 0, 40)}... has ${tooLong.length} bytes; use at most ${maxIdBytes}, see BERTH_WORKER_NAME`,
    );
  }
  const lengths = ids.map((id) => id.length);
  const numbers = Buffer.from([version, purposes.indexOf(purpose), ...lengths]);
  return Buffer.concat([magic, numbers, nonce, ...ids]);
}

/**
 * Reads what has arrived of a hello.
 * @returns undefined while more is due
 * @throws BerthError `COLLECTIVE_PROTOCOL` if this becomes no hello, or if more than one has arrived
 */
export function decodeHello(bytes: Buffer): Hello | undefined {
  requireMagic(bytes);
  if (bytes.length < helloHeaderBytes) return undefined;
  requireVersion(bytes);
  const purpose = purposes[bytes.readUInt8(5)];
  if (purpose === undefined) throw protocolError('a hello has an unknown purpose');
  const fromEnd = helloHeaderBytes + bytes.readUInt8(6);
  const toEnd = fromEnd + bytes.readUInt8(7);
  if (bytes.length > toEnd) throw protocolError('more than a hello came before the challenge');
  if (bytes.length < toEnd) return undefined;
  return {
    purpose,
    nonce: bytes.subarray(8, helloHeaderBytes),
    from: bytes.toString('utf8', helloHeaderBytes, fromEnd),
    to: bytes.toString('utf8', fromEnd, toEnd),
  };
}

/** Layout: magic 4 bytes, version u8, status u8, two zeros, the payload, or zeros where there is none. */
export function encodeReply(status: Status, payload: Buffer = Buffer.alloc(nonceBytes)): Buffer {
  return Buffer.concat([magic, Buffer.from([version, statuses.indexOf(status), 0, 0]), payload]);
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if this is no reply */
export function decodeReply(bytes: Buffer): Reply {
  requireMagic(bytes);
  requireVersion(bytes);
  const status = statuses[bytes.readUInt8(5)];
  if (status === undefined) throw protocolError('a reply has an unknown status');
  return { status, payload: bytes.subarray(8, replyBytes) };
}

/** Members that do not have the secret of `self`. */
export function secretsDiffer(self: string, memberIds: readonly string[]): BerthError {
  const missing = memberIds.join(', ');
  return new BerthError(
    'COLLECTIVE_UNAUTHENTICATED',
    `the secrets of ${self} and ${missing} differ; give all workers of a cluster the same BERTH_SECRET`,
    { details: { missing, phase: 'handshake' } },
  );
}

function requireMagic(bytes: Buffer): void {
  const due = magic.subarray(0, bytes.length);
  if (bytes.compare(due, 0, due.length, 0, due.length) !== 0) {
    throw protocolError(`these bytes are no handshake: ${bytes.toString('hex', 0, 8)}`);
  }
}

function requireVersion(bytes: Buffer): void {
  const got = bytes.readUInt8(4);
  if (got !== version) {
    throw protocolError(
      `handshake ${got} was sent, ${version} is understood; run one berth version everywhere`,
    );
  }
}
