/**
 * What a seed of the swarm stands for: a plan by chance, and for half of the seeds one in which the address has a
 * reason to move every few seconds, so that takeovers meet faults, and each other, far more often than they would.
 */
import { type DrawOptions, drawPlan, type Entry, LIAR, type Plan, withLiar } from '../plan/index.ts';
import { createRandom, DEFAULT_SETTINGS, type Random, STORE_FAULTS, WEBHOOK_FAULTS } from '../world/index.ts';

/** Keeps what is drawn here apart from what `drawPlan` draws from the same seed. */
const SALT = 0x5eed;
const IDENTITY_SALT = 0x1de;
const IDENTITIES_PER_MILLE = 300;
const WEBHOOK_SALT = 0x300c;
const WEBHOOK_PER_MILLE = 200;
const HOMES_PER_MILLE = 150;
const HOMES_SALT = 0x40e5;
const FAILBACK_MS = [2_000, 20_000] as const;
const WINDOWS = [null, null, '00:00-12:00 UTC', '22:00-02:30 UTC'] as const;
const STORE_SALT = 0x5708e;
const STORE_PER_MILLE = 250;
/** Of the pairs that have a store. */
const ARBITER_PER_MILLE = 600;
/** From one cut of a direct path to the next, and how long it lasts; the same of what is wrong with the store. */
const CUT_GAP_MS = [10_000, 60_000] as const;
const CUT_MS = [3_000, 40_000] as const;
const STORE_GAP_MS = [20_000, 90_000] as const;
const STORE_BROKEN_MS = [2_000, 30_000] as const;
/** The actions of those who give orders. */
const ORDERS: ReadonlySet<string> = new Set([
  'pause-order',
  'resume-order',
  'handover-order',
  'handover-cancel',
]);
const WEBHOOK_GAP_MS = [20_000, 90_000] as const;
const WEBHOOK_BROKEN_MS = [2_000, 40_000] as const;
const RESTLESS_PER_MILLE = 500;
const RESTLESS_ENDS_MS = 300_000;
/** From one reason to move to the next. */
const GAP_MS = [500, 4_000] as const;
const BROKEN_MS = [1_000, 6_000] as const;
const FIRST_AT_MS = 5_000;
const BESIDE_LIAR = [
  'haproxy',
  'haproxy',
  'haproxy-blips',
  'vanish',
  'isolate',
  'crash',
  'path-blocked',
] as const;
/** In so many of the restless seeds calls are late; from one to the next, and by how much. */
const LATE_PER_MILLE = 250;
const LATE_GAP_MS = [10_000, 40_000] as const;
const LATE_MS = [2_000, 20_000] as const;

/** The plan of a seed; the same on every machine. */
export function planOf(seed: number, options: DrawOptions = {}): Plan {
  return drawnPlan(seed, options, RESTLESS_PER_MILLE);
}

/** The same, restless whatever the seed. */
export function restlessPlanOf(seed: number): Plan {
  return drawnPlan(seed, {}, 1_000);
}

function drawnPlan(seed: number, options: DrawOptions, restlessPerMille: number): Plan {
  const plain = drawPlan(seed, besideLiar(options));
  const signed = withIdentities(plain, createRandom(seed ^ IDENTITY_SALT));
  const told =
    options.actions === undefined ? withWebhook(signed, createRandom(seed ^ WEBHOOK_SALT)) : signed;
  const stored = options.actions === undefined ? withStore(told, createRandom(seed ^ STORE_SALT)) : told;
  const plan = options.actions === undefined ? withHomes(stored, createRandom(seed ^ HOMES_SALT)) : stored;
  const random = createRandom(seed ^ SALT);
  const restless = options.actions === undefined && random.chance(restlessPerMille);
  return withLiar(seed, restless ? makeRestless(plan, random) : plan, options);
}

/** A liar does nothing to an address by itself: alone it is given reasons to move, and what nodes have to agree about. */
function besideLiar({ actions }: DrawOptions): DrawOptions {
  if (actions === undefined) return {};
  const others = actions.filter((name) => name !== LIAR);
  return { actions: actions.includes(LIAR) && others.length === 0 ? BESIDE_LIAR : others };
}

/** In some clusters operators have keys of their own. Strangers then order what they like, as often as operators do. */
function withIdentities(plan: Plan, random: Random): Plan {
  if (!random.chance(IDENTITIES_PER_MILLE)) return plan;
  const timeline = plan.timeline.map((entry) =>
    ORDERS.has(entry.action) && random.chance(500)
      ? { ...entry, with: { ...entry.with, by: 'stranger' } }
      : entry,
  );
  const world = { ...plan.world, settings: { ...plan.world.settings, identities: true } };
  return { ...plan, title: `${plan.title}, identities`, world, timeline };
}

/** Some have a web hook beside the topic, which is told of everything, and is out of order now and then. */
function withWebhook(plan: Plan, random: Random): Plan {
  if (!random.chance(WEBHOOK_PER_MILLE)) return plan;
  const world = { ...plan.world, settings: { ...plan.world.settings, webhook: true } };
  const faults: Entry[] = [];
  for (let atMs = FIRST_AT_MS; atMs < plan.ending.atMs; atMs += random.between(...WEBHOOK_GAP_MS)) {
    const state = random.pick(WEBHOOK_FAULTS);
    faults.push({ atMs, action: 'webhook', with: { state }, forMs: random.between(...WEBHOOK_BROKEN_MS) });
  }
  const timeline = [...plan.timeline, ...faults].sort((a, b) => a.atMs - b.atMs);
  return { ...plan, title: `${plan.title}, web hook`, world, timeline };
}

/** Some have a store to relay through, and some of these pairs an arbiter in it. Direct paths are cut more often then, and the store is out of order now and then, for all or for one. */
function withStore(plan: Plan, random: Random): Plan {
  if (!random.chance(STORE_PER_MILLE)) return plan;
  const { nodes } = plan.world;
  const added: Entry[] = [];
  for (let atMs = FIRST_AT_MS; atMs < plan.ending.atMs; atMs += random.between(...CUT_GAP_MS)) {
    const from = random.pick(nodes).id;
    const to = random.pick(nodes.filter(({ id }) => id !== from)).id;
    added.push({ atMs, action: 'cut', with: { from, to }, forMs: random.between(...CUT_MS) });
  }
  for (let atMs = FIRST_AT_MS; atMs < plan.ending.atMs; atMs += random.between(...STORE_GAP_MS)) {
    const state = random.pick(STORE_FAULTS);
    const node = random.chance(500) ? null : random.pick(nodes).id;
    added.push({ atMs, action: 'store', with: { state, node }, forMs: random.between(...STORE_BROKEN_MS) });
  }
  const timeline = [...plan.timeline, ...added].sort((a, b) => a.atMs - b.atMs);
  const { settings } = plan.world;
  const isPair = nodes.filter(({ role }) => role !== 'member').length === 2;
  const arbiter = isPair && random.chance(ARBITER_PER_MILLE);
  const agreement = arbiter ? { ...settings.agreement, arbiter } : settings.agreement;
  const world = { ...plan.world, settings: { ...settings, agreement, store: true } };
  return { ...plan, title: `${plan.title}, store${arbiter ? ', arbiter' : ''}`, world, timeline };
}

/** In some addresses have homes, and go back there. No node can give a signed order. */
function withHomes(plan: Plan, random: Random): Plan {
  const { settings, nodes, addresses } = plan.world;
  if (!random.chance(HOMES_PER_MILLE) || settings.identities) return plan;
  const candidates = nodes.filter(({ role }) => role === 'candidate').map(({ id }) => id);
  const homes = Object.fromEntries(addresses.map((ip) => [ip, random.pick(candidates)]));
  const failback = { afterMs: random.between(...FAILBACK_MS), window: random.pick(WINDOWS) };
  const world = { ...plan.world, settings: { ...settings, homes, failback } };
  return { ...plan, title: `${plan.title}, homes`, world };
}

/** Little damping, addresses that work soon after they move, and a holder that is broken again and again. */
function makeRestless(plan: Plan, random: Random): Plan {
  const { settings } = plan.world;
  const world = {
    ...plan.world,
    autoAddressDelayMs: random.pick([1_000, 2_000, 5_000]),
    associationSettleMs: random.pick([0, 0, 1_000]),
    settings: {
      ...settings,
      // Most events are heartbeats: with fewer of them more of the rest is takeovers.
      gossip: DEFAULT_SETTINGS.gossip,
      // Without a local check nobody knows that a holder is unfit, and damping protects it.
      local: settings.local ?? settings.probe,
      holdDownMs: random.pick([500, 2_000, 10_000]),
      flap: { moves: 1_000, withinMs: settings.flap.withinMs },
    },
  };
  const drawn = plan.timeline.filter(({ atMs }) => atMs < RESTLESS_ENDS_MS && random.chance(400));
  const late = random.chance(LATE_PER_MILLE) ? lateCalls(random) : [];
  const timeline = [...drawn, ...reasonsToMove(random), ...late].sort((a, b) => a.atMs - b.atMs);
  return {
    title: `${plan.title}, restless`,
    world,
    timeline,
    // What was drawn without a recovery is too broken for one.
    ending:
      plan.ending.kind === 'stop'
        ? { kind: 'stop', atMs: RESTLESS_ENDS_MS }
        : { kind: 'recover', atMs: RESTLESS_ENDS_MS, broken: [], goal: 'served' },
  };
}

/** Now and then a call that is applied long after its node has given it up, or never answered; messages are late too. */
function lateCalls(random: Random): readonly Entry[] {
  const slow = { tailPerMille: 200, tailMs: random.pick([500, 2_000]) };
  const entries: Entry[] = [
    { atMs: FIRST_AT_MS, action: 'bad-links', with: slow, forMs: RESTLESS_ENDS_MS - FIRST_AT_MS },
  ];
  for (let atMs = FIRST_AT_MS; atMs < RESTLESS_ENDS_MS; atMs += random.between(...LATE_GAP_MS)) {
    const call = random.pick([
      'ec2:AssociateAddress',
      'ec2:AssociateAddress',
      'ec2:DisassociateAddress',
    ] as const);
    const effect = random.pick(['apply-late', 'apply-then-hang'] as const);
    const late = { call, effect, times: 1, applyAfterMs: random.between(...LATE_MS) };
    entries.push({ atMs, action: 'cloud', with: late, forMs: LATE_GAP_MS[0] });
  }
  return entries;
}

function reasonsToMove(random: Random): readonly Entry[] {
  const entries: Entry[] = [];
  for (let atMs = FIRST_AT_MS; atMs < RESTLESS_ENDS_MS; atMs += random.between(...GAP_MS)) {
    const state = random.pick(['dead', 'dead', 'error', 'hung'] as const);
    entries.push({
      atMs,
      action: 'haproxy',
      with: { node: 'holder', state },
      forMs: random.between(...BROKEN_MS),
    });
  }
  return entries;
}
