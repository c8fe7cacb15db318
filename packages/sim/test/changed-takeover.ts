/** The takeover with some of its moments changed, and what may have happened before it. */
import type { NodeRecord } from '@failtome/protocol';
import { ADDRESS, instanceOf, type Moment, type Stage } from './checked-stage.ts';
import { associated, seriesOf, TAKEOVER } from './checked-takeover.ts';

type Changes = Partial<Record<keyof typeof TAKEOVER, Moment | null>>;

/** The takeover with some of its moments left out or replaced, and others added. */
export function takeover(changes: Changes, ...more: readonly Moment[]): readonly Moment[] {
  const kept: Record<string, Moment | null> = { ...TAKEOVER, ...changes };
  return [...Object.values(kept).flatMap((moment) => (moment === null ? [] : [moment])), ...more];
}

/** Up to and with that moment. */
export function until(
  last: keyof typeof TAKEOVER,
  changes: Changes = {},
  ...more: readonly Moment[]
): readonly Moment[] {
  const lastMs = TAKEOVER[last][0];
  return [...takeover(changes).filter(([atMs]) => atMs <= lastMs), ...more];
}

export const silent: Moment = [0, () => undefined];
export const stalledBefore = (atMs: number): readonly Moment[] => [
  [atMs, ({ tell, b }) => tell({ kind: 'paused', by: b })],
  [atMs + 6_000, ({ tell, b }) => tell({ kind: 'resumed', by: b })],
];
/** The same moments, so much later. */
export function shifted(moments: readonly Moment[], byMs: number): readonly Moment[] {
  return moments.map(([atMs, happens]) => [atMs + byMs, happens]);
}

const decidedPaused = {
  version: 3,
  by: 'a',
  paused: true,
  owner: 'ops',
  reason: '',
  until: null,
} as const;

export function pausesOn({ facts, a, c, b }: Stage, runs: readonly ('a' | 'b' | 'c')[]): void {
  for (const run of [a, b, c]) {
    if (!runs.some((id) => id === run.node)) continue;
    run.set({ pause: decidedPaused });
    facts(run, { kind: 'pause', paused: true, owner: 'ops', reason: '', version: 3 });
  }
}

export const upSince = (atMs: number): Moment => [
  atMs,
  ({ a, c }) => {
    const last = { ok: true, startedAt: atMs, endedAt: atMs, reason: 'ok' } as const;
    for (const run of [a, c])
      run.setAddress({ verdict: 'up', verdictSince: atMs, series: { ...seriesOf(run), last } });
  },
];

/** The address came to `a` two seconds in, and has served there. */
export const movedLately: readonly Moment[] = [
  [-30_000, (stage) => associated(stage, 'a')],
  [
    -20_000,
    ({ facts, c }) =>
      facts(c, {
        kind: 'probe',
        probeId: 1,
        address: ADDRESS,
        result: { kind: 'ok', status: 200, durationMs: 5 },
      }),
  ],
  [
    -10,
    ({ b }) => {
      const peer = b.state().peers.a;
      if (peer === undefined) throw new Error('b knows no a');
      b.set({ peers: { ...b.state().peers, a: { ...peer, heardAt: 4_000, record: recordOf('a') } } });
    },
  ],
];

/** What a node says of itself. */
export function recordOf(id: string): NodeRecord {
  return {
    id,
    incarnation: 1,
    role: 'candidate',
    priority: 100,
    instanceId: instanceOf(id),
    fit: 'fit',
    leaving: false,
    ready: true,
    electorate: '',
    version: '',
    addresses: [],
    pause: { ...decidedPaused, paused: false, version: 0 },
    handovers: [],
  } as const;
}
