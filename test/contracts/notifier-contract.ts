/** What the protocol counts on from the port `notifier`: the agent's against the embedded cloud, the simulator's over the model. */
import { afterEach, describe, expect, test } from 'vitest';
import type { FaultEffect } from '../../packages/cloud/src/model/index.ts';
import type { PublishEffect, PublishResult } from '../../packages/protocol/src/index.ts';

export interface NotifierWorld {
  publish(effect: PublishEffect): Promise<PublishResult>;
  /** The next publication meets this. */
  fault(effect: FaultEffect): void;
  /** What has reached the topic. */
  published(): readonly { readonly subject: string | null; readonly message: string }[];
  /** How many publications were sent. */
  sent(): number;
  close(): void | Promise<void>;
}

const TEXT = {
  subject: 'HAProxy failover notification',
  message: 'Instance i-1 took over 198.51.100.7\nnode: saturn',
};

const EVENT = { id: 'saturn-1-1', event: 'taken', address: '198.51.100.7', wall: 0, details: [] } as const;

/** Run the suite. */
export function describeNotifier(name: string, open: () => Promise<NotifierWorld>): void {
  describe(`the notifier ${name}`, () => {
    let world: NotifierWorld | undefined;
    afterEach(() => world?.close());

    async function published(effect?: FaultEffect, timeoutMs = 10_000): Promise<PublishResult> {
      world = await open();
      if (effect !== undefined) world.fault(effect);
      return world.publish({ kind: 'publish', publishId: 7, receiver: 'sns', ...EVENT, ...TEXT, timeoutMs });
    }

    /** Only what was accepted leaves the outbox. */
    test('says that a publication was accepted, with the request it cost', async () => {
      expect(await published()).toMatchObject({
        kind: 'accepted',
        request: {
          service: 'sns',
          operation: 'Publish',
          result: 'ok',
          code: null,
          requestId: expect.any(String),
        },
      });
      expect(world?.published()).toMatchObject([TEXT]);
    });

    /**
     * What failed stays in the outbox on the disk, and is published again by the protocol: sending it again here would
     * only tell people twice.
     */
    test.each([
      ['server-error', { kind: 'server-error', status: 500 }, 'unknown', 0],
      ['throttle', { kind: 'throttle' }, 'throttled', 0],
      ['unauthorized', { kind: 'unauthorized' }, 'refused', 0],
      ['reset', { kind: 'reset' }, 'unknown', 0],
      ['apply-then-error', { kind: 'apply-then-error', status: 500 }, 'unknown', 1],
      ['apply-then-reset', { kind: 'apply-then-reset' }, 'unknown', 1],
    ] as const)(
      'says that a publication failed by %s, and sends it once',
      async (_name, effect, result, heard) => {
        const answer = await published(effect);
        expect(answer).toMatchObject({ kind: 'failed', request: { result, code: expect.any(String) } });
        if (answer.kind === 'failed') expect(answer.detail).toContain(`${answer.request.code}: `);
        expect(world?.sent()).toBe(1);
        expect(world?.published()).toHaveLength(heard);
      },
    );

    /** Accepted and unanswered isn't accepted: people are told at least once, perhaps twice. */
    test.each(['hang', 'apply-then-hang'] as const)(
      'gives a publication up at its time-out: %s',
      async (kind) => {
        expect(await published({ kind }, 300)).toMatchObject({
          kind: 'failed',
          request: { code: 'Timeout', result: 'unknown' },
        });
      },
    );
  });
}
