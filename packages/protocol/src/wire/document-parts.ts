/** Parts of the document: a move that may have begun, notifications, and what people know by them. */
import { MAX_HELD_BEFORE } from '../model/address-state.ts';
import { BALLOT_MODES, MOVE_STEPS } from '../model/codes.ts';
import { MAX_RECEIVERS } from '../model/config.ts';
import {
  MAX_DETAIL_TEXT,
  MAX_DETAILS,
  MAX_LENGTH_MS,
  MAX_NOTICE,
  MAX_OUTBOX,
  MAX_SUBJECT,
  MAX_WALL_MS,
} from '../model/limits.ts';
import type { ToldPause } from '../model/state.ts';
import type { DurableAddress, DurableNotice, MoveIntent, OutboxEntry } from '../storage/durable.ts';
import {
  atMost,
  duration,
  flag,
  list,
  matching,
  nullable,
  object,
  oneOf,
  type Shape,
  text,
  whole,
} from './shape.ts';

const TEXT = { id: text(160), subject: text(MAX_SUBJECT), message: text(MAX_NOTICE) };

/** What waits for the topic. */
export const TOPIC_ENTRIES: Shape<readonly OutboxEntry[]> = list(object(TEXT), MAX_OUTBOX);

/** What waits for other receivers. */
export const NOTICES: Shape<readonly DurableNotice[]> = list(
  object({
    ...TEXT,
    event: text(64),
    address: nullable(matching(/^[0-9A-Fa-f.:]{2,45}$/, 'an IP address')),
    wall: atMost(whole(), MAX_WALL_MS),
    details: list(object({ name: text(64), text: text(MAX_DETAIL_TEXT) }), MAX_DETAILS),
    to: list(text(64), MAX_RECEIVERS),
  }),
  MAX_RECEIVERS * MAX_OUTBOX,
);

/** What people know of an address. */
export const TOLD: Shape<NonNullable<DurableAddress['told']>> = object({
  holds: flag(),
  outage: flag(),
  unfit: flag(),
  alone: flag(),
});

/** Which pause people know of. */
export const TOLD_PAUSE: Shape<ToldPause> = object({ version: whole(), by: text(64), paused: flag() });

const LENGTH = atMost(duration(), MAX_LENGTH_MS);

/** A move that may have begun. */
export const INTENT: Shape<MoveIntent> = object(
  {
    epoch: whole(),
    mode: oneOf(...BALLOT_MODES),
    handoverId: nullable(text(128)),
    from: text(128),
    associationId: nullable(text(128)),
    stage: oneOf('planned', 'released', 'accepted'),
    startedWall: atMost(whole(), MAX_WALL_MS),
    reason: text(2048),
    agreed: text(4096),
    steps: list(object({ step: oneOf(...MOVE_STEPS), durationMs: LENGTH }), 256),
    requestIds: list(text(128), 64),
  },
  {
    earlier: list(text(128), MAX_HELD_BEFORE + 1),
    releases: object({ node: nullable(text(128)), instanceId: nullable(text(128)) }),
  },
);
