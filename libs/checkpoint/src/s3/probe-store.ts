import { createHash, randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createClient } from './s3-client.ts';
import type { S3ObjectStoreOptions } from './s3-options.ts';
import { classifyFailure, storeError } from './store-failure.ts';

/** What berth asks of an S3 service beside writing, reading and deleting. */
export const storeFeatures = [
  'conditional put',
  'conditional upload in parts',
  'upload in parts',
  'checksums',
  'listing in order',
  'range reads',
] as const;
export type StoreFeature = (typeof storeFeatures)[number];

/** The features that a service lacks, each with what it did instead. */
export type StoreProbe = ReadonlyMap<StoreFeature, string>;

/** The least that S3 takes for a part that is not the last. */
const partBytes = 5 * 2 ** 20;

interface Place {
  readonly client: S3Client;
  readonly bucket: string;
  /** Prefix of the objects of this probe, which are deleted after it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/**
 * Tries each feature with a few objects of its own, 5 MiB in all, and deletes them.
 * @throws BerthError as the object store does, when the service cannot be asked at all
 */
export async function probeStore(options: S3ObjectStoreOptions): Promise<StoreProbe> {
  const client = createClient(options);
  const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '');
  const folder = `${prefix === '' ? '' : `${prefix}/`}doctor-${randomBytes(6).toString('hex')}/`;
  const signal = AbortSignal.timeout(options.deadlineMs ?? 60_000);
  const place = { client, bucket: options.bucket, folder, signal };
  const lacking = new Map<StoreFeature, string>();
  try {
    for (const feature of storeFeatures) {
      const problem = await probes[feature](place);
      if (problem !== undefined) lacking.set(feature, problem);
    }
    return lacking;
  } catch (error) {
    throw storeError(error, 'probe', `${options.endpoint ?? 's3:/'}/${options.bucket}/${folder}`);
  } finally {
    await cleanUp(place).catch(() => undefined);
    client.destroy();
  }
}

/** Each answers with what is wrong, or nothing. */
const probes: Readonly<Record<StoreFeature, (place: Place) => Promise<string | undefined>>> = {
  async 'conditional put'(place) {
    await put(place, 'condition', 'first');
    const refusal = await refusalOf(put(place, 'condition', 'second', { IfNoneMatch: '*' }));
    return conditionProblem(refusal, await read(place, 'condition'));
  },

  async 'conditional upload in parts'(place) {
    await put(place, 'parts-condition', 'first');
    const refusal = await refusalOf(
      putInParts(place, 'parts-condition', [Buffer.from('second')], { IfNoneMatch: '*' }),
    );
    return conditionProblem(refusal, await read(place, 'parts-condition'));
  },

  async 'upload in parts'(place) {
    const parts = [Buffer.alloc(partBytes, 'a'), Buffer.from('end')];
    const refusal = await refusalOf(putInParts(place, 'parts', parts));
    if (refusal !== undefined) return `it answers ${refusal.text}`;
    const { Body } = await place.client.send(
      new GetObjectCommand(at(place, 'parts')),
      inTime(place),
    );
    const stored = Buffer.from((await Body?.transformToByteArray()) ?? []);
    return stored.equals(Buffer.concat(parts))
      ? undefined
      : 'what it gives back is not what was put';
  },

  async checksums(place) {
    const wrong = sha256('something else');
    const refusal = await refusalOf(put(place, 'damaged', 'damaged', { ChecksumSHA256: wrong }));
    if (refusal === undefined) return 'it takes bytes that do not fit their SHA-256';
    await put(place, 'sound', 'sound', { ChecksumSHA256: sha256('sound') });
    const command = new GetObjectCommand({ ...at(place, 'sound'), ChecksumMode: 'ENABLED' });
    const { ChecksumSHA256, Body } = await place.client.send(command, inTime(place));
    await Body?.transformToByteArray();
    return ChecksumSHA256 === sha256('sound')
      ? undefined
      : 'it does not keep the SHA-256 of an object';
  },

  async 'listing in order'(place) {
    const names = ['order-10', 'order-9', 'order-Z', 'order-a/b', 'order-ab'];
    for (const name of names.toReversed()) await put(place, name, name);
    const listed = await list(place, 'order-');
    if (listed.toSorted().join() !== names.join()) return 'it does not list what was just written';
    return listed.join() === names.join() ? undefined : `it lists ${listed.join(', ')}`;
  },

  async 'range reads'(place) {
    await put(place, 'range', '0123456789');
    const command = new GetObjectCommand({ ...at(place, 'range'), Range: 'bytes=2-4' });
    const { Body } = await place.client.send(command, inTime(place));
    const bytes = (await Body?.transformToString()) ?? '';
    return bytes === '234' ? undefined : `it gives ${bytes.length} bytes for 3`;
  },
};

interface Refusal {
  readonly text: string;
  readonly isCondition: boolean;
}

/** What a call failed with, if it did so by the service's word. @throws what else it failed with */
async function refusalOf(call: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    if (!(error instanceof Error) || status === undefined || status === 403) throw error;
    const isCondition = classifyFailure(error) === 'exists';
    return { text: `${status} ${error.name}`, isCondition };
  }
}

function conditionProblem(refusal: Refusal | undefined, kept: string): string | undefined {
  if (kept !== 'first') return 'it ignores If-None-Match';
  if (refusal?.isCondition === true) return undefined;
  return refusal === undefined
    ? 'it says that it has written what it has not'
    : `it answers If-None-Match with ${refusal.text}`;
}

const inTime = ({ signal }: Place): { abortSignal: AbortSignal } => ({ abortSignal: signal });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64');

function at({ bucket, folder }: Place, name: string): { Bucket: string; Key: string } {
  return { Bucket: bucket, Key: `${folder}${name}` };
}

async function put(
  place: Place,
  name: string,
  text: string,
  more: { readonly IfNoneMatch?: string; readonly ChecksumSHA256?: string } = {},
): Promise<void> {
  const command = new PutObjectCommand({ ...at(place, name), Body: Buffer.from(text), ...more });
  await place.client.send(command, inTime(place));
}

async function read(place: Place, name: string): Promise<string> {
  const { Body } = await place.client.send(new GetObjectCommand(at(place, name)), inTime(place));
  return (await Body?.transformToString()) ?? '';
}

async function putInParts(
  place: Place,
  name: string,
  bodies: readonly Buffer[],
  condition: { readonly IfNoneMatch?: string } = {},
): Promise<void> {
  const { client } = place;
  const target = at(place, name);
  const create = new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' });
  const { UploadId } = await client.send(create, inTime(place));
  try {
    const Parts: CompletedPart[] = [];
    for (const [index, Body] of bodies.entries()) {
      const part = { PartNumber: index + 1, ChecksumSHA256: sha256(Body.toString('latin1')) };
      const command = new UploadPartCommand({ ...target, UploadId, Body, ...part });
      const { ETag } = await client.send(command, inTime(place));
      Parts.push({ ...part, ETag });
    }
    const whole = { ...target, UploadId, MultipartUpload: { Parts }, ...condition };
    await client.send(new CompleteMultipartUploadCommand(whole), inTime(place));
  } catch (error) {
    const abort = new AbortMultipartUploadCommand({ ...target, UploadId });
    await client.send(abort, inTime(place)).catch(() => undefined);
    throw error;
  }
}

/** Names below the probe's folder, in the order of the service. */
async function list(place: Place, start: string): Promise<string[]> {
  const { client, bucket, folder } = place;
  const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: `${folder}${start}` });
  const { Contents = [] } = await client.send(command, inTime(place));
  return Contents.map(({ Key = '' }) => Key.slice(folder.length));
}

async function cleanUp(place: Place): Promise<void> {
  for (const name of await list(place, ''))
    await place.client.send(new DeleteObjectCommand(at(place, name)), inTime(place));
}
