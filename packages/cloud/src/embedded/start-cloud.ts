/** How an embedded cloud comes up, or leaves nothing open. */
import { EmbeddedCloud } from './cloud.ts';
import type { CloudOptions } from './options.ts';

/** Starts an embedded cloud. It listens when this resolves. */
export async function startCloud(options: CloudOptions): Promise<EmbeddedCloud> {
  const cloud = new EmbeddedCloud(options);
  try {
    await cloud.open();
  } catch (cause) {
    await cloud.close();
    throw cause;
  }
  return cloud;
}
