/**
 * The relay's store, and the arbiter's, in a table of DynamoDB: one item a direction or an address, read consistently, written on
 * the condition that it still has the version, or the text, that its writer knows.
 *
 * Source: Amazon DynamoDB Developer Guide, "Read consistency" and "Condition expressions".
 */
import {
  type AttributeValue,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import type {
  ArbiterStore,
  RelayStore,
  StoreFailure,
  StoreRead,
  StoreSwap,
  StoreVersion,
  StoreWrite,
} from '@failtome/ports';
import type { DurationMs } from '@failtome/protocol';
import { TABLE_KEY } from '../config/store-keys.ts';
import type { StoreSettings } from '../config/types.ts';
import { boundedAnswers } from './aws-answers.ts';
import { type AwsClients, type AwsRequest, callAws, contextFor } from './aws-clients.ts';

const CONFLICT_CODE = 'ConditionalCheckFailedException';

/** The settings of a table. */
export type DynamoSettings = Extract<StoreSettings, { kind: 'dynamodb' }>;

/** One table. */
export class DynamoStore implements RelayStore, ArbiterStore {
  readonly #table: string;
  readonly #clients: AwsClients;
  readonly #client: DynamoDBClient;

  /** @param clients for the table's region, and for this store alone: they are closed with it */
  constructor({ table }: Pick<DynamoSettings, 'table'>, clients: AwsClients) {
    this.#table = table;
    this.#clients = clients;
    this.#client = new DynamoDBClient(clients.shared);
    this.#client.middlewareStack.use(boundedAnswers);
  }

  read(key: string, timeoutMs: DurationMs, answered: (result: StoreRead) => void): void {
    const command = new GetItemCommand({
      TableName: this.#table,
      Key: { [TABLE_KEY]: { S: key } },
      ConsistentRead: true,
    });
    void this.#ask('GetItem', (options) => this.#client.send(command, options), timeoutMs).then((outcome) => {
      if ('code' in outcome) return answered(outcome);
      const { Item } = outcome.output;
      if (Item === undefined) return answered({ kind: 'none' });
      const [version, text] = [Item.version?.N, Item.text?.S];
      answered(version === undefined || text === undefined ? FOREIGN : { kind: 'item', version, text });
    });
  }

  write(
    key: string,
    text: string,
    expected: StoreVersion | null,
    timeoutMs: DurationMs,
    answered: (result: StoreWrite) => void,
  ): void {
    const version = String(Number(expected ?? 0) + 1);
    const stands = expected === null ? null : { name: 'version', value: { N: expected } };
    void this.#put(key, { text, version }, stands, timeoutMs).then((result) =>
      answered(result.kind === 'written' ? { kind: 'written', version } : result),
    );
  }

  /** It is told from others by its text; its version says nothing. */
  swap(
    key: string,
    text: string,
    expected: string | null,
    timeoutMs: DurationMs,
    answered: (result: StoreSwap) => void,
  ): void {
    const stands = expected === null ? null : { name: 'text', value: { S: expected } };
    void this.#put(key, { text, version: '1' }, stands, timeoutMs).then(answered);
  }

  /** @param stands what the item has to hold; null: there has to be none */
  async #put(
    key: string,
    item: { readonly text: string; readonly version: string },
    stands: { readonly name: string; readonly value: AttributeValue } | null,
    timeoutMs: DurationMs,
  ): Promise<StoreSwap> {
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: { [TABLE_KEY]: { S: key }, version: { N: item.version }, text: { S: item.text } },
      ...(stands === null
        ? { ConditionExpression: `attribute_not_exists(${TABLE_KEY})` }
        : {
            ConditionExpression: '#stands = :expected',
            ExpressionAttributeNames: { '#stands': stands.name },
            ExpressionAttributeValues: { ':expected': stands.value },
          }),
    });
    const outcome = await this.#ask('PutItem', (options) => this.#client.send(command, options), timeoutMs);
    if (!('code' in outcome)) return { kind: 'written' };
    return outcome.code === CONFLICT_CODE ? { kind: 'conflict' } : outcome;
  }

  /** End all calls, and close all connections. */
  close(): void {
    this.#client.destroy();
    this.#clients.close();
  }

  async #ask<Output>(
    operation: string,
    send: AwsRequest<Output>['send'],
    timeoutMs: DurationMs,
  ): Promise<{ readonly output: Output } | StoreFailure> {
    const context = contextFor(timeoutMs, () => undefined);
    const outcome = await callAws(this.#clients, { service: 'dynamodb', operation, send }, context);
    if (outcome.kind === 'ok') return { output: outcome.output };
    const { code, message } = outcome.failure;
    return { kind: 'failed', code: context.signal.aborted ? 'timeout' : code, detail: message };
  }
}

const FOREIGN: StoreFailure = {
  kind: 'failed',
  code: 'unreadable',
  detail: 'the item is none of this program',
};
