import {
  handleBucketLocation,
  handleCreateBucket,
  handleDeleteBucket,
  handleDeleteObjects,
  handleHeadBucket,
  handleListBuckets,
  handleListObjects,
} from './bucket-handlers.ts';
import { S3Error } from './errors.ts';
import {
  handleAbortUpload,
  handleCompleteUpload,
  handleCreateUpload,
  handleListParts,
  handleListUploads,
  handleUploadPart,
} from './multipart-handlers.ts';
import {
  handleDeleteObject,
  handleGetObject,
  handleHeadObject,
  handlePutObject,
} from './object-handlers.ts';
import type { Handler, Target } from './request.ts';

/** Method, level, and the query parameter that selects the operation, if any. */
const routes: Readonly<Record<string, Handler>> = {
  'GET service': handleListBuckets,
  'PUT bucket': handleCreateBucket,
  'HEAD bucket': handleHeadBucket,
  'DELETE bucket': handleDeleteBucket,
  'GET bucket': handleListObjects,
  'GET bucket ?location': handleBucketLocation,
  'GET bucket ?uploads': handleListUploads,
  'POST bucket ?delete': handleDeleteObjects,
  'PUT object': handlePutObject,
  'GET object': handleGetObject,
  'HEAD object': handleHeadObject,
  'DELETE object': handleDeleteObject,
  'POST object ?uploads': handleCreateUpload,
  'PUT object ?uploadId': handleUploadPart,
  'POST object ?uploadId': handleCompleteUpload,
  'DELETE object ?uploadId': handleAbortUpload,
  'GET object ?uploadId': handleListParts,
};

const selectors = ['delete', 'location', 'uploadId', 'uploads'];

/** Parameters that refine an operation; any other one asks for something this server lacks. */
const refinements = new Set([
  'continuation-token',
  'delimiter',
  'encoding-type',
  'fetch-owner',
  'list-type',
  'max-keys',
  'max-parts',
  'max-uploads',
  'partNumber',
  'prefix',
  'start-after',
  'x-id',
]);

/** @throws S3Error `NotImplemented`, `MethodNotAllowed` */
export function findHandler(method: string, { bucket, key, query }: Target): Handler {
  const names = [...query.keys()];
  const unknown = names.find((name) => !refinements.has(name) && !selectors.includes(name));
  if (unknown !== undefined) {
    throw new S3Error('NotImplemented', `The query parameter ${unknown} is not available.`);
  }
  const level = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const selector = selectors.find((name) => query.has(name));
  const route = `${method} ${level}${selector === undefined ? '' : ` ?${selector}`}`;
  const handler = routes[route];
  if (handler) return handler;
  throw new S3Error('MethodNotAllowed', `There is no operation ${route}.`);
}
