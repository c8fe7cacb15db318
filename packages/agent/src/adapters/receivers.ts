/**
 * The port `notifier`: who tells which receiver. Each try is answered once; what fails is told again by the protocol, from its
 * outbox on disk.
 */
import type { DurationMs, NodeId, PublishEffect, PublishResult } from '@failtome/protocol';
import type { WebhookSecrets } from '../auth/webhook-secrets.ts';
import type { AgentConfig } from '../config/types.ts';
import type { AwsClients } from './aws-clients.ts';
import type { Post } from './driver.ts';
import type { Names } from './names.ts';
import { runNotifyProgram } from './notify-program.ts';
import { createSnsNotifier, type TopicNotifier } from './sns.ts';
import { postToWebhook } from './webhook.ts';

/** Whom to tell, and for whom. */
export interface ReceiversOptions {
  readonly config: Pick<AgentConfig, 'cluster' | 'notify'>;
  readonly nodeId: NodeId;
  /** In the order of the configuration's web hooks. */
  readonly webhooks: readonly WebhookSecrets[];
  /** Null where nothing needs AWS. */
  readonly clients: AwsClients | null;
}

/** What the receivers are told with. */
export interface ReceiversDependencies {
  readonly names: Names;
  readonly post: Post;
  readonly now: () => number;
  readonly logStderr: (operation: string, text: string) => void;
}

/** Tells one receiver; answers how to end that without an answer. */
type Tell = (effect: PublishEffect, done: (result: PublishResult) => void) => () => void;

/** All receivers of one configuration. Nothing is sent until the first effect. */
export class Receivers {
  readonly #dependencies: ReceiversDependencies;
  readonly #stops = new Set<() => void>();
  #tells: ReadonlyMap<string, Tell>;
  #topic: TopicNotifier | null;

  constructor(options: ReceiversOptions, dependencies: ReceiversDependencies) {
    this.#dependencies = dependencies;
    this.#tells = tellsOf(options, dependencies);
    this.#topic = topicOf(options, dependencies);
  }

  /** What is under way ends by the old configuration. */
  reconfigure(options: ReceiversOptions): void {
    this.#tells = tellsOf(options, this.#dependencies);
    this.#topic = topicOf(options, this.#dependencies);
  }

  /** Answers `published` once, at the latest shortly after `timeoutMs`. */
  publish(effect: PublishEffect): void {
    if (effect.receiver === 'sns' && this.#topic !== null) return this.#topic.publish(effect);
    const answer = (result: PublishResult): void =>
      this.#dependencies.post({ kind: 'published', publishId: effect.publishId, result });
    const tell = this.#tells.get(effect.receiver);
    if (tell === undefined) {
      // It waited for a write while a reload took its receiver away.
      queueMicrotask(() => answer(gone(effect.receiver)));
      return;
    }
    const stop = tell(effect, (result) => {
      this.#stops.delete(stop);
      answer(result);
    });
    this.#stops.add(stop);
  }

  /** End what is under way. It stays in the outbox, and the next run tells it. */
  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }
}

function topicOf(
  { config, clients }: ReceiversOptions,
  { post }: ReceiversDependencies,
): TopicNotifier | null {
  const { sns } = config.notify;
  return sns === null || clients === null
    ? null
    : createSnsNotifier({ topicArn: sns.topicArn }, { clients, post });
}

function tellsOf(options: ReceiversOptions, dependencies: ReceiversDependencies): ReadonlyMap<string, Tell> {
  const { config, nodeId, webhooks } = options;
  const teller = { cluster: config.cluster, node: nodeId };
  const { exec } = config.notify;
  const tells = new Map<string, Tell>();
  for (const [index, webhook] of config.notify.webhooks.entries()) {
    const secrets = webhooks[index];
    if (secrets === undefined) throw new Error(`the secrets of the web hook ${webhook.name} were not read`);
    tells.set(webhook.name, (effect, done) =>
      postToWebhook({ webhook, secrets, teller }, dependencies, effect, done),
    );
  }
  const { logStderr } = dependencies;
  if (exec !== null)
    tells.set('exec', (effect, done) => runNotifyProgram({ program: exec, teller, logStderr }, effect, done));
  return tells;
}

function gone(receiver: string): PublishResult {
  const durationMs: DurationMs = 0;
  const request = {
    service: 'none',
    operation: 'none',
    result: 'refused',
    code: 'NoReceiver',
    requestId: null,
    durationMs,
  } as const;
  return { kind: 'failed', detail: `${receiver} is not configured`, request };
}
