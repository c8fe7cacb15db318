/** Orders that operators sign, without the rules that make their signatures count: I24. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const SIGNED_MUTANTS: readonly Mutant[] = [
  mutant(
    'signed-pause',
    ['I24', 'L1'],
    'a pause or a resume that a peer tells of needs no signature',
    edit('orders/pause.ts', 'if (!counts(ctx.state.config.orders, told)) {', 'if (told.version < 0) {'),
    'operators',
  ),
  mutant(
    'signed-handover',
    ['I24'],
    'a handover that a peer tells of needs no signature',
    edit('orders/handover.ts', 'if (!counts(ctx.state.config.orders, told)) {', 'if (told.ttlMs < 0) {'),
    'operators',
  ),
  mutant(
    'signed-command',
    ['I24'],
    "a command with the cluster's key alone is obeyed",
    edit('orders/signed-orders.ts', "command.kind === 'handover-status' || config.orders === 'any'", 'true'),
    'operators',
  ),
  mutant(
    'signed-by-anybody',
    ['I24', 'L1'],
    'any proof holds, whoever made it and whatever of',
    edit(
      'orders/orders.ts',
      'wordingFault(owner, order.reason) === null && isProven(orderText(cluster, signable), proof)',
      'isProven(orderText(cluster, signable), proof) || proof.length > 0',
    ),
    'operators',
  ),
  mutant(
    'signed-version',
    ['I24', 'L1'],
    'neither the time nor the version of a pause is signed',
    edit('orders/orders.ts', 'return [signedAt, version, by, paused,', 'return [by, paused,'),
    'operators',
  ),
  mutant(
    'signed-by-what-is-shown',
    ['I24', 'I16'],
    "an order's time follows from what a node shows, and may be any",
    [
      edit(
        'orders/order-terms.ts',
        '{ ...signedNow(wall), by: shown.node, paused: true,',
        '{ ...signedNow(shown.pause.version + 1), by: shown.node, paused: true,',
      ),
      edit('membership/bounded.ts', 'return signedAt > latestSigned(now);', 'return signedAt < 0;'),
    ],
    'operators',
  ),
  mutant(
    'signed-handover-outlasts',
    ['I22', 'I24'],
    'a handover names the pause that it outlasts, by what a node shows',
    [
      edit(
        'orders/handover.ts',
        "if (orders === 'proven') return signedAt !== undefined && (ordered ?? 0) < signedAt;",
        '',
      ),
      edit('orders/order-terms.ts', 'pause: signedAt,', 'pause: shown.pause.version,'),
    ],
    'operators',
  ),
  mutant(
    'signed-until',
    ['I24'],
    'a handover is taken up after the time that was signed',
    edit('orders/handover.ts', 'told.ttlMs <= 0 || isOver(told, ctx.now)', 'told.ttlMs <= 0'),
    'operators',
  ),
  mutant(
    'signed-from-now-on',
    ['I24', 'L1'],
    'what was ordered before operators had keys stays in force',
    edit('lifecycle.ts', '  forgetUncounted(ctx, disproved);\n', ''),
    'operators',
  ),
];
