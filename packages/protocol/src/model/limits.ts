/**
 * How much of each thing a message or the durable document holds at most: what its makers keep to, and what the codec
 * refuses beyond. Those that settings follow from are in `config.ts`, those of an address in `address-state.ts`.
 */
import type { DurationMs, WallMs } from './units.ts';

/** The largest message that is sent or read, in bytes. */
export const MAX_MESSAGE_BYTES = 65_536;

/** The longest time that is told or written down: 557 years, and as long again fits. */
export const MAX_LENGTH_MS: DurationMs = 2 ** 44;

/** The last moment that a date can name. */
export const MAX_WALL_MS: WallMs = 8.64e15;

/** The most rumours, and peers asked about, in one message. */
export const MAX_RUMOURS = 8;

/** The most handovers a node remembers, finished ones included. */
export const MAX_HANDOVERS = 16;

/** The most notifications that wait for one receiver; beyond it the oldest that tells of no move, else the oldest, gives way. */
export const MAX_OUTBOX = 100;

/** The longest subject, in characters: SNS takes no longer one. */
export const MAX_SUBJECT = 100;

/** The longest message to the topic, in characters: SNS would take a longer one. */
export const MAX_NOTICE = 16_384;

/** The longest message to any other receiver: it is written down for each of them. */
export const MAX_OTHER_NOTICE = 2_048;

/** The most details of a notification. */
export const MAX_DETAILS = 12;

/** The most characters of a detail. */
export const MAX_DETAIL_TEXT = 256;

/** How often a receiver may refuse a notification for what it is before that one is given up, so that the next ones get through. */
export const MAX_REFUSALS = 10;

/** The most takes that may still land and are counted; more of them are taken for as many. */
export const MAX_LATE_TAKES = 64;

/** The most characters of what a failed probe got that are told to peers. */
export const MAX_SAW = 96;
