/** A driver's own read, as `failtome check` makes and tells it. */
import type { DriverAnswer, DriverOperation, DurationMs, Ip } from '@failtome/protocol';
import type { Driver, Post } from './driver.ts';

/** The driver's own read, so that the check sees what a move would see. */
export function ask(create: (post: Post) => Driver, ip: Ip, timeoutMs: DurationMs): Promise<DriverAnswer> {
  return new Promise((resolve) => {
    const operation: DriverOperation = { op: 'read' };
    const driver = create((event) => {
      if (event.kind === 'driven') resolve(event.result.answer);
    });
    driver.drive({ kind: 'drive', callId: 0, purpose: 'idle-read', address: ip, operation, timeoutMs });
  });
}

/** Who a read shows, for people. */
export function holderIn({ association }: Extract<DriverAnswer, { readonly kind: 'read' }>): string {
  if (association.kind === 'none') return 'held by nobody';
  if (association.self) return 'held by this node';
  return `held by ${association.node ?? association.instanceId ?? 'something unknown'}`;
}
