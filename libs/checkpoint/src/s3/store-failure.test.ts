import { expect, it } from 'vitest';
import { storeError } from './store-failure.ts';

it('says what to do about a clock that the service refuses', () => {
  const error = Object.assign(new Error('The difference is too large.'), {
    name: 'RequestTimeTooSkewed',
    $metadata: { httpStatusCode: 403 },
  });
  expect(storeError(error, 'PUT a', 's3://b').message).toBe(
    'PUT a failed at s3://b: RequestTimeTooSkewed: The difference is too large. ' +
      'The clocks of this machine and of the service differ by too much: set both by NTP (timedatectl set-ntp true).',
  );
});
