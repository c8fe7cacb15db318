/** What people are told of moves, and when: I6, I17, I26, L4. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const TELLING_MUTANTS: readonly Mutant[] = [
  mutant(
    'told-untrue',
    ['I17'],
    'people are told of a move that was not accepted',
    edit(
      'move/conclude.ts',
      "emitFact(ctx, { kind: 'concluded', entry });\n  if (intent?.handoverId",
      "emitFact(ctx, { kind: 'concluded', entry });\n  if (intent !== null) enqueue(ctx, TAKEOVER_SUBJECT, takeoverMessage(ctx, entry, intent));\n  if (intent?.handoverId",
    ),
    'cloud',
  ),
  mutant(
    'told-never',
    ['I17'],
    'people are not told of a move',
    edit('move/conclude.ts', 'enqueue(ctx, takenNews(ctx, entry, intent));', ''),
    'notifications',
  ),
  mutant(
    'told-served',
    ['I17'],
    'people are told that the address answers without a look',
    edit(
      'move/outcomes.ts',
      'isHeldBySelf(ctx.state, ip) && series.last?.ok === true && series.last.startedAt >= acceptedAt;',
      'isHeldBySelf(ctx.state, ip) && series.nextAt >= 0;',
    ),
    'cloud',
  ),
  mutant(
    'told-before-move',
    ['I17'],
    'an answer from before the move proves that it serves',
    edit(
      'move/outcomes.ts',
      'series.last?.ok === true && series.last.startedAt >= acceptedAt;',
      'series.last?.ok === true;',
    ),
    'operators',
  ),
  mutant(
    'told-unwritten',
    ['I6', 'I17'],
    'a notification is sent before it is written down',
    edit(
      'reporting/outbox.ts',
      'after: ctx.writeId === 0 ? latest : ctx.writeId,',
      'after: Math.min(0, latest),',
    ),
    'notifications',
  ),
  mutant(
    'told-once',
    ['I17', 'L4'],
    'a notification that failed is not tried again',
    edit(
      'reporting/outbox.ts',
      'publishing: null, nextAt: ctx.now.at + delayMs, delayMs });',
      'publishing: null, nextAt: ctx.now.at + 3_600_000, delayMs });',
    ),
    'notifications',
  ),
  mutant(
    'told-lost-with-write',
    ['I17', 'L4'],
    'a notification whose write failed is not sent again',
    edit('lifecycle.ts', 'republish(ctx);', ''),
    'notifications',
  ),
  mutant(
    'outbox-kept',
    ['L4'],
    'an accepted notification stays in the outbox',
    edit(
      'reporting/outbox.ts',
      'outbox: ctx.state.outbox.filter((one) => !isSame(one, notification)) });',
      'outbox: ctx.state.outbox });',
    ),
    'notifications',
  ),
  mutant(
    'told-side-by-side',
    ['I26'],
    'a receiver is told of a later event while an earlier one waits',
    edit('reporting/outbox.ts', 'return [...heads.values()];', 'return outbox;'),
    'notifications',
  ),
  mutant(
    'told-after-the-others',
    ['I26'],
    'a receiver waits until another, which is down, has been told',
    edit(
      'reporting/outbox.ts',
      'for (const one of outbox) if (!heads.has(one.receiver)) heads.set(one.receiver, one);',
      'for (const one of outbox.slice(0, 1)) heads.set(one.receiver, one);',
    ),
    'notifications',
  ),
  mutant(
    'refused-for-ever',
    ['I26'],
    'a receiver is told nothing more once it has refused something for good',
    edit('reporting/outbox.ts', 'refusals >= MAX_REFUSALS', 'refusals < 0'),
    'notifications',
  ),
  mutant(
    'told-others-unkept',
    ['I6'],
    'what other receivers than the topic are told of is not written down',
    edit(
      'reporting/kept-notices.ts',
      'others.length === 0 ? { outbox: topic }',
      'others.length >= 0 ? { outbox: topic }',
    ),
    'notifications',
  ),
];
