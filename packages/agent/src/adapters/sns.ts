/**
 * The notifier: one `Publish` an effect. What fails is published again by the protocol, from its outbox
 * on disk; trying again here would only tell people twice.
 */
import { PublishCommand } from '@aws-sdk/client-sns';
import { publishResultOf, TIMED_OUT, TIMEOUT_CODE, unknown } from '@failtome/ports';
import type { CloudRequest, DurationMs, PublishEffect, PublishResult } from '@failtome/protocol';
import { type AwsClients, callAws, contextFor } from './aws-clients.ts';
import type { Post } from './driver.ts';

/** A publication that was given up has this long to say so. */
const ABORT_GRACE_MS: DurationMs = 50;

/** Where notifications go. */
export interface SnsNotifierOptions {
  readonly topicArn: string;
}

/** What the notifier works with. */
export interface SnsNotifierDependencies {
  /** Its SNS client works in the topic's region. */
  readonly clients: AwsClients;
  readonly post: Post;
}

/** What a topic is told of a notification: its text. */
export type TopicMessage = Pick<PublishEffect, 'kind' | 'publishId' | 'subject' | 'message' | 'timeoutMs'>;

/** Tells a topic. */
export interface TopicNotifier {
  /** Answers `published` once, at the latest shortly after `timeoutMs`. */
  publish(effect: TopicMessage): void;
}

/** Build the notifier. Nothing is sent until the first effect. */
export function createSnsNotifier(
  { topicArn }: SnsNotifierOptions,
  { clients, post }: SnsNotifierDependencies,
): TopicNotifier {
  return {
    publish(effect) {
      let answered = false;
      const answer = (result: PublishResult): void => {
        if (answered) return;
        answered = true;
        clearTimeout(timer);
        post({ kind: 'published', publishId: effect.publishId, result });
      };
      const timer = setTimeout(() => answer(timedOut(effect.timeoutMs)), effect.timeoutMs + ABORT_GRACE_MS);
      publishOnce(clients, topicArn, effect).then(answer, (error: unknown) =>
        answer(
          publishResultOf(
            { kind: 'failed', failure: unknown('Internal', String(error)) },
            unanswered(effect.timeoutMs),
          ),
        ),
      );
    },
  };
}

async function publishOnce(
  clients: AwsClients,
  topicArn: string,
  effect: TopicMessage,
): Promise<PublishResult> {
  let request = unanswered(effect.timeoutMs);
  const context = contextFor(effect.timeoutMs, (made) => {
    request = made;
  });
  const command = new PublishCommand({
    TopicArn: topicArn,
    Subject: effect.subject,
    Message: effect.message,
  });
  const outcome = await callAws(
    clients,
    { service: 'sns', operation: 'Publish', send: (options) => clients.sns.send(command, options) },
    context,
  );
  return publishResultOf(outcome, request);
}

function timedOut(timeoutMs: DurationMs): PublishResult {
  return publishResultOf({ kind: 'failed', failure: TIMED_OUT }, unanswered(timeoutMs));
}

function unanswered(durationMs: DurationMs): CloudRequest {
  return {
    service: 'sns',
    operation: 'Publish',
    result: 'unknown',
    code: TIMEOUT_CODE,
    requestId: null,
    durationMs,
  };
}
