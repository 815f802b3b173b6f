import type { Socket } from 'node:net';
import type { MemoryPlace } from '../native/shared-pages.ts';
import type { ByteSource } from './byte-source.ts';
import { protocolError } from './frame.ts';

/** The dialling member will read the frames that `to` sends in this view. */
export interface JoinMessage {
  readonly kind: 'join';
  readonly runId: string;
  readonly fencingEpoch: number;
  readonly viewVersion: number;
  readonly from: string;
  readonly to: string;
}

/** Names a state: what the members of this view hold after `step` steps. */
export interface StateLabel {
  readonly runId: string;
  readonly fencingEpoch: number;
  readonly viewVersion: number;
  readonly step: number;
}

/** The dialling member wants slices of this state. */
export interface StateMessage extends StateLabel {
  readonly kind: 'state';
}

/** The answer to `state`. */
export interface OfferMessage extends StateLabel {
  readonly kind: 'offer';
  readonly partLengths: readonly number[];
}

/** On a local connection, from the member that was dialled, before its first frame: where the dialling member can read its memory. */
export interface MemoryMessage extends MemoryPlace {
  readonly kind: 'memory';
}

/** The answer to `memory`: the dialling member has mapped it, and awaits frames without their bytes. */
export interface MappedMessage {
  readonly kind: 'mapped';
}

/** The dialling member has taken all sums of this step, and needs nothing more of what the memory holds. */
export interface TakenMessage {
  readonly kind: 'taken';
  readonly step: number;
}

/** The answer to `state` if there is nothing to give; in the place of `memory` or `mapped` if memory is not to be read. */
export interface AbsentMessage {
  readonly kind: 'absent';
  readonly reason: string;
}

/** After an `offer`: the dialling member wants this slice. */
export interface SliceMessage extends StateLabel {
  readonly kind: 'slice';
  readonly index: number;
}

/** The answer to `slice`; its bytes follow. */
export interface PieceMessage extends StateLabel {
  readonly kind: 'piece';
  readonly index: number;
  /** As `StateMemory.digest` gives it. */
  readonly digest: string;
}

/** The last word of a member that gives up the view. */
export interface LeaveMessage {
  readonly kind: 'leave';
  readonly reason: string;
}

/** Sent by the dialling member from time to time: a connection that carries none is dead, even if nobody closed it. */
export interface AliveMessage {
  readonly kind: 'alive';
}

export type ControlMessage =
  | JoinMessage
  | StateMessage
  | OfferMessage
  | AbsentMessage
  | SliceMessage
  | PieceMessage
  | LeaveMessage
  | AliveMessage
  | MemoryMessage
  | MappedMessage
  | TakenMessage;

type FieldType = 'text' | 'count' | 'counts';
const label = {
  runId: 'text',
  fencingEpoch: 'count',
  viewVersion: 'count',
  step: 'count',
} as const;
const fieldTypes: Record<ControlMessage['kind'], Record<string, FieldType>> = {
  join: { runId: 'text', fencingEpoch: 'count', viewVersion: 'count', from: 'text', to: 'text' },
  state: label,
  offer: { ...label, partLengths: 'counts' },
  absent: { reason: 'text' },
  slice: { ...label, index: 'count' },
  piece: { ...label, index: 'count', digest: 'text' },
  leave: { reason: 'text' },
  alive: {},
  memory: { pid: 'count', file: 'count', numBytes: 'count', token: 'text' },
  mapped: {},
  taken: { step: 'count' },
};

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isFieldOf: Record<FieldType, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string',
  count: isCount,
  counts: (value) => Array.isArray(value) && value.every(isCount),
};

/** Magic u32, length of the JSON text u32, both little-endian. */
export const controlPrefixBytes = 8;
const magic = 0x4252_5443;
const maxTextBytes = 16_384;

export function encodeControl(message: ControlMessage): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  const prefix = Buffer.alloc(controlPrefixBytes);
  prefix.writeUInt32LE(magic, 0);
  prefix.writeUInt32LE(text.length, 4);
  return Buffer.concat([prefix, text]);
}

/**
 * @returns the length of the text that follows, in bytes
 * @throws BerthError `COLLECTIVE_PROTOCOL` if this is no prefix of a control message
 */
function decodeControlPrefix(prefix: Buffer): number {
  const length = prefix.readUInt32LE(4);
  if (prefix.readUInt32LE(0) !== magic || length > maxTextBytes) {
    throw protocolError(`these bytes are no control message: ${prefix.toString('hex', 0, 8)}`);
  }
  return length;
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if this is not the text of a control message */
function decodeControlText(text: Buffer): ControlMessage {
  const message = parseJson(text);
  const kind = message['kind'] as ControlMessage['kind'];
  const fields = Object.hasOwn(fieldTypes, kind) ? Object.entries(fieldTypes[kind]) : undefined;
  const wrong = fields?.find(([name, type]) => !isFieldOf[type](message[name]));
  if (fields === undefined || wrong !== undefined) {
    throw protocolError(`this is no control message: ${text.toString('utf8', 0, 200)}`);
  }
  return message as unknown as ControlMessage;
}

function parseJson(text: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text.toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: text that is no JSON is refused like JSON that is no object.
  }
  throw protocolError(`a control message holds no JSON object: ${text.toString('utf8', 0, 200)}`);
}

/** @throws BerthError `COLLECTIVE_PROTOCOL` if no control message comes next, or the connection's error */
export async function readControl(source: ByteSource): Promise<ControlMessage> {
  const prefix = Buffer.alloc(controlPrefixBytes);
  await source.readInto(prefix);
  const text = Buffer.alloc(decodeControlPrefix(prefix));
  await source.readInto(text);
  return decodeControlText(text);
}

export interface ControlHandlers {
  readonly message: (message: ControlMessage) => void;
  /** The peer sent something else; the connection is closed. */
  readonly garbage: (error: unknown) => void;
}

/** Reads control messages from a socket that a peer dialled; bulk data only ever goes the other way. */
export class ControlChannel {
  readonly socket: Socket;
  /** Whether the peer has found the local socket, and so is on this machine. */
  readonly isLocal: boolean;
  #handlers: ControlHandlers;
  #unread = Buffer.alloc(0);

  constructor(socket: Socket, handlers: ControlHandlers, isLocal = false) {
    this.socket = socket;
    this.isLocal = isLocal;
    this.#handlers = handlers;
    socket.on('data', (bytes: Buffer) => this.#received(bytes));
  }

  handOver(handlers: ControlHandlers): void {
    this.#handlers = handlers;
  }

  #received(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    try {
      for (let text = this.#takeText(); text !== undefined; text = this.#takeText()) {
        this.#handlers.message(decodeControlText(text));
      }
    } catch (error) {
      this.socket.destroy();
      this.#handlers.garbage(error);
    }
  }

  #takeText(): Buffer | undefined {
    if (this.#unread.length < controlPrefixBytes) return undefined;
    const end = controlPrefixBytes + decodeControlPrefix(this.#unread);
    if (this.#unread.length < end) return undefined;
    const text = this.#unread.subarray(controlPrefixBytes, end);
    this.#unread = this.#unread.subarray(end);
    return text;
  }
}
