/** Which store a configuration means. */
import type { ArbiterStore, RelayStore } from '@failtome/ports';
import type { StoreSettings } from '../config/types.ts';
import { createAwsClients } from './aws-clients.ts';
import { DynamoStore } from './dynamo-store.ts';
import { EtcdStore, readEtcdSecrets } from './etcd-store.ts';

/** A store that is open until it is closed. */
export interface OpenStore extends RelayStore, ArbiterStore {
  close(): void;
}

/**
 * Open it; nothing is sent yet. On AWS it has connections and credentials of its own, which no reload replaces.
 *
 * @param region this node's, where the store names none
 * @throws AgentError `STORE_FILE`
 */
export async function openStore(settings: StoreSettings, region: string | null): Promise<OpenStore> {
  switch (settings.kind) {
    case 'etcd':
      return new EtcdStore(settings, await readEtcdSecrets(settings));
    case 'dynamodb':
      return new DynamoStore(
        settings,
        createAwsClients({ region: settings.region ?? region, topicArn: null }),
      );
  }
}
