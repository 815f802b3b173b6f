export { smallDisk } from './small-disk.ts';
export { startTestRedis } from './test-redis.ts';
export { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
export { waitFor, type WaitForOptions } from './wait-for.ts';
