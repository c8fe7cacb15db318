/**
 * The plan of a steered seed: one in which takeovers come to the phases that are wished for, and whose cluster has what the faults need.
 */
import type { AttemptPhase } from '../coverage/index.ts';
import { type Entry, FAULTS, LIAR, type Plan, withLiar } from '../plan/index.ts';
import { createRandom, type Random, takesAtOnce } from '../world/index.ts';
import { restlessPlanOf } from './draw.ts';
import { type Focus, focusText } from './focus.ts';

/** Keeps what is drawn here apart from what the seed draws besides. */
const SALT = 0x57ee8;
/** Shorter than a restless plan: what is wished for comes in the first takeovers. */
const ENDS_MS = 120_000;
const FIRST_AT_MS = 5_000;
const GAP_MS = [2_000, 8_000] as const;
const ARMED_MS = 6_000;
/** In some plans one of what restless ones lack, so that the reasons which follow from it can come. */
const ODD_SALT = 0x0dd5;
const ODD_PER_MILLE = 300;
/** The address answers nobody for so long at first. */
const UNSEEN_MS = [10_000, 40_000] as const;
/** How many plans are drawn until one fits. */
const MAX_DRAWS = 64;

/** The effects of calls that lead to phases which few takeovers come to by themselves. */
const LEADS_TO: { readonly [Phase in AttemptPhase]?: readonly string[] } = {
  settling: ['hang', 'apply-then-hang', 'apply-late', 'reset', 'apply-then-error'],
  resting: ['throttle', 'throttle', 'refuse'],
};
const WRITES = {
  ec2: ['ec2:DisassociateAddress', 'ec2:AssociateAddress'],
  'ec2-private-ip': ['ec2:UnassignPrivateIpAddresses', 'ec2:AssignPrivateIpAddresses'],
  'ec2-route': ['ec2:ReplaceRoute'],
  opsworks: ['opsworks:AssociateElasticIp'],
} as const;

/** The plan of this seed before anything is struck; the same on every machine. */
export function steeredPlanOf(seed: number, focus: Focus): Plan {
  const random = createRandom(seed ^ SALT);
  const drawn = shortened(fittingPlan(seed, focus));
  const led = focus.reduce((plan, { phase }) => leadingTo(phase, plan, random), drawn);
  const equipped = withWhatFaultsNeed(odd(led, createRandom(seed ^ ODD_SALT)), seed, focus);
  return { ...equipped, title: `${equipped.title}, focus ${focusText(focus)}` };
}

/** Plans of other numbers are drawn until a takeover can come to the phases in one. */
function fittingPlan(seed: number, focus: Focus): Plan {
  const random = createRandom(seed);
  let plan = restlessPlanOf(seed);
  for (let draw = 0; draw < MAX_DRAWS && !fits(plan, focus); draw += 1)
    plan = restlessPlanOf(random.below(0x1_0000_0000));
  return plan;
}

function fits({ world: { driver, addresses } }: Plan, focus: Focus): boolean {
  return focus.every(({ phase }) => {
    // One call takes an address from whoever has it.
    if (phase === 'releasing') return !takesAtOnce(driver);
    // A ballot that is won while another address is moved waits.
    return phase !== 'won' || addresses.length > 1;
  });
}

function shortened(plan: Plan): Plan {
  const timeline = plan.timeline
    .filter(({ atMs }) => atMs < ENDS_MS)
    .map((entry) => (entry.action === LIAR && entry.forMs !== null ? { ...entry, forMs: ENDS_MS } : entry));
  const later = Math.min(ENDS_MS, plan.ending.atMs);
  return { ...plan, timeline, ending: { ...plan.ending, atMs: later } };
}

function leadingTo(phase: AttemptPhase, plan: Plan, random: Random): Plan {
  const effects = LEADS_TO[phase];
  if (effects === undefined) return plan;
  const added: Entry[] = [];
  for (let atMs = FIRST_AT_MS; atMs < plan.ending.atMs; atMs += random.between(...GAP_MS)) {
    const effect = random.pick(effects);
    const applyAfterMs = random.between(500, 10_000);
    const call = random.pick(WRITES[plan.world.driver]);
    added.push({
      atMs,
      action: 'cloud',
      with: { call, effect, times: random.pick([1, 1, 2]), applyAfterMs },
      forMs: ARMED_MS,
    });
  }
  return { ...plan, timeline: inOrder([...plan.timeline, ...added]) };
}

/** A budget of moves, another address where this one would land, or an address that was never seen up. */
function odd(plan: Plan, random: Random): Plan {
  if (!random.chance(ODD_PER_MILLE)) return plan;
  const { settings, nodes, holders } = plan.world;
  // Where one of the shared addresses begins there is no room for another.
  const free = nodes.filter(({ role }, index) => role === 'candidate' && !holders.includes(index));
  const kind = random.pick(['flap', 'occupied', 'unseen'] as const);
  switch (kind) {
    case 'flap': {
      const flap = { ...settings.flap, moves: random.between(2, 5) };
      return { ...plan, world: { ...plan.world, settings: { ...settings, flap } } };
    }
    case 'occupied': {
      const occupied = free.length === 0 ? [] : [random.pick(free).id];
      const world = { ...plan.world, occupied };
      return { ...plan, world: { ...world, settings: { ...settings, displace: 'refuse' } } };
    }
    case 'unseen': {
      const unseen = { atMs: 0, action: 'page-gone', with: {}, forMs: random.between(...UNSEEN_MS) };
      return { ...plan, timeline: inOrder([unseen, ...plan.timeline]) };
    }
  }
}

function withWhatFaultsNeed(plan: Plan, seed: number, focus: Focus): Plan {
  const actions = new Set(focus.map(({ fault }) => FAULTS.get(fault)?.action.name));
  const { settings } = plan.world;
  const told = actions.has('webhook') ? { ...settings, webhook: true } : settings;
  const stored = actions.has('store') ? { ...told, store: true } : told;
  const equipped = { ...plan, world: { ...plan.world, settings: stored } };
  const hasLiar = plan.timeline.some(({ action }) => action === LIAR);
  return actions.has(LIAR) && !hasLiar ? withLiar(seed, equipped, { actions: [LIAR] }) : equipped;
}

/** In the order of their moments; those of the same moment stay as they are. */
export function inOrder(timeline: readonly Entry[]): readonly Entry[] {
  return [...timeline].sort((a, b) => a.atMs - b.atMs);
}
