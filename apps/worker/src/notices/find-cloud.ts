import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAws } from './aws.ts';
import { createAzure } from './azure.ts';
import type { Cloud, CloudName } from './cloud.ts';
import { createGce } from './gce.ts';

export interface CloudOptions {
  /** `auto`: as the machine's firmware says. */
  readonly notices: CloudName | 'auto' | 'none';
  /** Of the metadata server, where it is not where the cloud has it. */
  readonly endpoint: string | undefined;
  /** Where Linux tells what the firmware says of the machine. */
  readonly firmwareFolder?: string;
}

const creators = { aws: createAws, gce: createGce, azure: createAzure } as const satisfies Record<
  CloudName,
  (endpoint?: string) => Cloud
>;

/** What Azure's machines have, and no other of Microsoft's. */
const azureAssetTag = '7783-7084-3265-9085-8269-3286-77';

/**
 * The cloud that this machine may be taken away by. Where none is named, nobody on the network is asked before the machine's
 * firmware says that it is of one.
 * @returns undefined where there is none, or its metadata server does not answer
 */
export async function findCloud({
  notices,
  endpoint,
  firmwareFolder = '/sys/class/dmi/id',
}: CloudOptions): Promise<Cloud | undefined> {
  if (notices === 'none') return undefined;
  if (notices !== 'auto') return creators[notices](endpoint);
  const name = await cloudOfFirmware(firmwareFolder);
  const cloud = name && creators[name](endpoint);
  return cloud && (await cloud.isThere()) ? cloud : undefined;
}

async function cloudOfFirmware(folder: string): Promise<CloudName | undefined> {
  const read = (file: string): Promise<string> =>
    readFile(join(folder, file), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  const [vendor, product, tag] = await Promise.all(
    ['sys_vendor', 'product_name', 'chassis_asset_tag'].map(read),
  );
  if (vendor === 'Amazon EC2') return 'aws';
  if (product === 'Google Compute Engine') return 'gce';
  return tag === azureAssetTag ? 'azure' : undefined;
}
