/** Which store a configuration means. */
import type { RelayStore } from '@failtome/ports';
import type { StoreSettings } from '../config/types.ts';
import type { AwsClients } from './aws-clients.ts';
import { DynamoStore } from './dynamo-store.ts';
import { EtcdStore, readEtcdSecrets } from './etcd-store.ts';

/** A store that is open until it is closed. */
export interface OpenStore extends RelayStore {
  close(): void;
}

/**
 * Open it; nothing is sent yet. What only one kind needs is loaded with it.
 *
 * @param clients for a store on AWS
 * @throws AgentError `STORE_FILE`
 */
export async function openStore(settings: StoreSettings, clients: AwsClients | null): Promise<OpenStore> {
  switch (settings.kind) {
    case 'etcd':
      return new EtcdStore(settings, await readEtcdSecrets(settings));
    case 'dynamodb': {
      if (clients === null) throw new Error('a store on AWS needs AWS clients');
      return new DynamoStore(settings, clients);
    }
  }
}
