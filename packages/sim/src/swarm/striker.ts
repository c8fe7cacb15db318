/**
 * Brings about what a seed is wished to: waits until a takeover comes to the phase, and does the fault then, to the node whose takeover
 * it is or to another. What it did, and when, are entries like those of a plan, so that the run can be had again as a plan alone.
 */
import type { Ip, NodeId } from '@failtome/protocol';
import { type AttemptPhase, Attempts } from '../coverage/index.ts';
import {
  type Arguments,
  callsOfMoves,
  type Entry,
  FAULTS,
  type FaultClass,
  LIAR,
  type Strike,
} from '../plan/index.ts';
import { Digest } from '../world/digest.ts';
import { createRandom, type Random, type RunView, type World } from '../world/index.ts';
import { type Focus, focusText, type Wish } from './focus.ts';

const SALT = 0x57a1c;
/** How often each wish is fulfilled at most, and how long at least from one time to the next. */
const TIMES = 4;
const GAP_MS = 8_000;
/** How often it is the node itself whose takeover it is. */
const TAKER_PER_MILLE = 650;
/** Never the very moment of the step, at which other things may be due. */
const SOON_MS = [0, 0, 0, 3, 40] as const;
/** In force no longer, so that more takeovers come. */
const MAX_LASTS_MS = 15_000;
const BRIEF_MS = [100, 2_000] as const;

interface Pending extends Wish {
  left: number;
  notBeforeMs: number;
}

/** What a strike is about. */
interface Aim {
  readonly world: World;
  readonly random: Random;
  readonly taker: NodeId;
  readonly address: Ip;
  readonly phase: AttemptPhase;
}

/** Strikes in one world, up to the end of its plan. */
export class Striker {
  readonly #pending: readonly Pending[];
  readonly #random: Random;
  readonly #endsMs: number;
  /** What was done, in order. */
  readonly struck: Entry[] = [];

  constructor(seed: number, focus: Focus, endsMs: number) {
    this.#random = createRandom(seed ^ SALT ^ sumOf(focusText(focus)));
    this.#endsMs = endsMs;
    // A liar lies from the beginning.
    this.#pending = focus
      .filter(({ fault }) => fault !== LIAR)
      .map((wish) => ({ ...wish, left: TIMES, notBeforeMs: 0 }));
  }

  /** Begin to wait, in a world that was just built. */
  readonly begin = (world: World, strike: Strike): void => {
    const attempts = new Attempts({
      entered: (phase, by, address) => this.#onEntered(world, strike, phase, by, address),
      reasoned: () => undefined,
    });
    world.watch(attempts.watch);
  };

  #onEntered(world: World, strike: Strike, phase: AttemptPhase, { node }: RunView, address: Ip): void {
    const wish = this.#pending.find(
      (one) => one.phase === phase && one.left > 0 && one.notBeforeMs <= world.now(),
    );
    const kind = wish === undefined ? undefined : FAULTS.get(wish.fault);
    if (wish === undefined || kind === undefined) return;
    const afterMs = this.#random.pick(SOON_MS) + this.#random.between(1, 999) / 1_000;
    // Once the plan has ended, the world is to come right.
    if (world.now() + afterMs >= this.#endsMs) return;
    wish.left -= 1;
    wish.notBeforeMs = world.now() + GAP_MS;
    const aim = { world, random: this.#random, taker: node, address, phase };
    const what = { action: kind.action.name, with: aimed(kind, aim), forMs: lasting(kind, this.#random) };
    world.queue.after(afterMs, () => {
      this.struck.push({ atMs: world.now(), ...what });
      strike(what);
    });
  }
}

function lasting({ action: { lastsMs } }: FaultClass, random: Random): number | null {
  if (lastsMs === null) return null;
  if (random.chance(500)) return random.between(...BRIEF_MS);
  return random.between(Math.min(lastsMs[0], MAX_LASTS_MS), Math.min(lastsMs[1], MAX_LASTS_MS));
}

/** The arguments that chance gives, but for whom it happens to, about which address, and how far a takeover has come. */
function aimed({ action, state }: FaultClass, aim: Aim): Arguments {
  const { world, random, taker, address, phase } = aim;
  const others = world.spec.nodes.filter(({ id }) => id !== taker).map(({ id }) => id);
  const victim = random.chance(TAKER_PER_MILLE) ? taker : random.pick(others);
  const [from, to] = random.chance(500)
    ? [victim, random.pick(world.spec.nodes.filter(({ id }) => id !== victim)).id]
    : [random.pick(others), taker];
  const drawn = action.draw?.(random, world.spec) ?? {};
  const given: Record<string, Arguments[string]> = { ...drawn };
  for (const [name, about] of Object.entries(action.parameters)) {
    if (name === action.variesBy) given[name] = state;
    else if (about.kind === 'address' && about.optional === undefined) given[name] = address;
    else if (name === 'stage' && about.kind === 'choice' && about.of.includes(phase)) given[name] = phase;
    else if (name === 'from') given[name] = from;
    else if (name === 'to' && 'from' in action.parameters) given[name] = to;
    else if (name === 'node')
      given[name] = about.optional === undefined || random.chance(500) ? victim : about.optional;
  }
  // Whatever call comes next, or one that only moves make.
  if (action.name === 'cloud') return { ...given, ...callsOf(world, random) };
  return given;
}

function callsOf({ spec: { driver } }: World, random: Random): Arguments {
  return { call: random.pick(callsOfMoves(driver)), skip: 0 };
}

/** A number that differs for different words. */
function sumOf(text: string): number {
  const digest = new Digest();
  digest.text(text);
  return Number.parseInt(digest.hex().slice(0, 8), 16);
}
