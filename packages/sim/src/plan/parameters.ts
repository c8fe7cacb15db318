/**
 * What an action may be told: one description serves the swarm, scenario files, their schema, and the documents.
 */
import type { Ip, NodeId } from '@failtome/protocol';

/** A value as a plan holds it: JSON. Spans of time are in milliseconds. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

/** What an action can be given: its kind, and what it says. */
export type Parameter<T extends Value = Value> = { readonly says: string; readonly optional?: T } & (
  | { readonly kind: 'node' }
  | { readonly kind: 'address' }
  /** Signed: it may be negative. */
  | { readonly kind: 'duration'; readonly signed: boolean }
  | { readonly kind: 'whole'; readonly least: number; readonly most: number }
  /** Thousandths; in a file a percentage. */
  | { readonly kind: 'share' }
  | { readonly kind: 'choice'; readonly of: readonly string[] }
  | { readonly kind: 'ip' }
  | { readonly kind: 'text' }
  /** Settings of a node that differ from the cluster's. */
  | { readonly kind: 'settings' }
);

/** The parameters of an action, by name. */
export type Parameters = Readonly<Record<string, Parameter>>;

/** The arguments that fit a description; a parameter with a default may be left out of a plan. */
export type ArgumentsOf<P extends Parameters> = {
  readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};

/** Arguments of any action. */
export type Arguments = Readonly<Record<string, Value>>;

/** A node's id, or whoever holds the first address at that moment, or a candidate that doesn't. */
export const node = (says = 'the node it happens to'): Parameter<NodeId> => ({ kind: 'node', says });
/** One of the shared addresses. */
export const address = (says = 'the address it is about'): Parameter<Ip> => ({ kind: 'address', says });
/** Any IP address. */
export const ip = (says: string): Parameter<string> => ({ kind: 'ip', says });
/** Any text. */
export const text = (says: string): Parameter<string> => ({ kind: 'text', says });
/** Settings of the protocol, by their paths. */
export const settings = (says: string): Parameter<{ readonly [key: string]: Value }> => ({
  kind: 'settings',
  says,
});
/** In milliseconds; in a file such as `500ms`, `10s`, `2m`. */
export const duration = (says: string): Parameter<number> => ({ kind: 'duration', signed: false, says });
/** A span of time that may be negative. */
export const signedDuration = (says: string): Parameter<number> => ({ kind: 'duration', signed: true, says });
/** In thousandths; in a file such as `30 %`. */
export const share = (says: string): Parameter<number> => ({ kind: 'share', says });
/** A whole number between two bounds, both included. */
export const whole = (least: number, most: number, says: string): Parameter<number> => ({
  kind: 'whole',
  least,
  most,
  says,
});
/** One of a few words. */
export const choice = <const T extends string>(of: readonly T[], says: string): Parameter<T> => ({
  kind: 'choice',
  of,
  says,
});

/** May be left out, and is then this. */
export function optional<T extends Value, D extends Value>(
  parameter: Parameter<T>,
  otherwise: D,
): Parameter<T | D> {
  return { ...parameter, optional: otherwise } as Parameter<T | D>; // what is given is a T, what isn't is the D
}
