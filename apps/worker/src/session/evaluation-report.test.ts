import { BerthError, silentLogger } from '@berth/contracts';
import { expect, it } from 'vitest';
import { storeInTime } from './evaluation-report.ts';

it('the last report of a run is waited for through an outage, until the run is left', async () => {
  const ended = new AbortController();
  let numTries = 0;
  const put = async (): Promise<void> => {
    numTries += 1;
    if (numTries < 3) throw new BerthError('STORE_UNREACHABLE', 'away');
  };
  await storeInTime(put, { isLast: true, signal: ended.signal, logger: silentLogger });
  expect(numTries).toBe(3);

  const never = async (): Promise<void> => {
    ended.abort();
    throw new BerthError('STORE_UNREACHABLE', 'away');
  };
  await storeInTime(never, { isLast: true, signal: ended.signal, logger: silentLogger });
});
