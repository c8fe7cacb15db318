/**
 * The kinds of faults that a swarm draws, from the one list of actions: each action, or each choice of the parameter that says what
 * goes wrong.
 */
import type { ActionKind } from './action.ts';
import { ACTIONS } from './actions/index.ts';
import type { Arguments } from './parameters.ts';
import { LIAR } from './with-liar.ts';

/** One kind of fault. */
export interface FaultClass {
  /** The action's name, or that and what goes wrong, such as `crash` and `cloud:throttle`. */
  readonly id: string;
  readonly action: ActionKind;
  /** Of the parameter that says what goes wrong; null: there is none. */
  readonly state: string | null;
}

/** Actions that swarms draw apart from the others, in some clusters. */
const DRAWN_APART: readonly string[] = [LIAR, 'webhook', 'store'];

/** All that a swarm draws, by id. */
export const FAULTS: ReadonlyMap<string, FaultClass> = new Map(
  [...ACTIONS.values()]
    .filter(({ name, draw }) => draw !== undefined || DRAWN_APART.includes(name))
    .flatMap(classesOf)
    .map((one) => [one.id, one]),
);

/** Of which kind it is, with these arguments; of an action that no swarm draws its name. */
export function faultOf(action: string, given: Arguments): string {
  const state = ACTIONS.get(action)?.variesBy;
  return state === undefined ? action : idOf(action, String(given[state]));
}

function classesOf(action: ActionKind): readonly FaultClass[] {
  const { name, variesBy } = action;
  const about = variesBy === undefined ? undefined : action.parameters[variesBy];
  if (about?.kind !== 'choice') return [{ id: name, action, state: null }];
  return about.of.map((state) => ({ id: idOf(name, state), action, state }));
}

function idOf(action: string, state: string): string {
  return `${action}:${state}`;
}
