/** Settings that are tried: drawn over the whole of what makes sense, and beside those that did well. */
import type { Preset } from '@failtome/config';
import { clashesOf, type Given, type SettingValue, settingsOf } from '../scenario/index.ts';
import type { Random } from '../world/index.ts';

/** What a search may set each to; durations in milliseconds. */
export const SEARCHED: Readonly<Record<string, readonly number[]>> = {
  'probe.interval': [200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000],
  'probe.fastInterval': [50, 100, 150, 200, 250, 300, 400, 500, 1_000],
  'probe.timeout': [150, 200, 250, 300, 400, 500, 750, 1_000, 1_500, 2_000],
  'probe.fall': [2, 3, 4, 5],
  'local.interval': [100, 200, 300, 500, 1_000, 2_000],
  'local.fastInterval': [50, 100, 200, 500],
  'local.timeout': [100, 150, 200, 300, 500, 1_000],
  'local.fall': [2, 3, 4],
  'gossip.interval': [100, 150, 200, 250, 500, 1_000],
  'gossip.dead': [400, 500, 600, 750, 1_000, 1_500, 2_000, 3_000, 5_000],
  'gossip.timeout': [80, 100, 150, 200, 300, 400, 800],
};

/** What a preset sets besides, as `Settings` has it. */
const PRESET_BESIDES = ['agreement.lease', 'guard.timeout'] as const;

const MAX_DRAWS = 1_000;

/** All that a preset sets, whatever stands beside it in the file. */
export function presetSettings(base: Given, preset: Preset): Given {
  const alone: Given = new Map<string, SettingValue>([
    ['preset', preset],
    ...(base.get('local') === null ? [['local', null] as const] : []),
  ]);
  const { agreement, guardTimeoutMs } = settingsOf(alone);
  const [lease, guard] = PRESET_BESIDES;
  return new Map([...settled(alone, new Map()), [lease, agreement.leaseMs], [guard, guardTimeoutMs]]);
}

/** Settings drawn at random, one after the other; none contradicts itself. */
export function drawSettings(base: Given, random: Random): Given {
  return without(
    base,
    () => new Map(keysOf(base).map(([key, values]) => [key, random.pick(values)] as const)),
  );
}

/** One or two settings further up or down. */
export function neighbour(base: Given, of: Given, random: Random): Given {
  const full = settled(base, of);
  return without(base, () => {
    const near = new Map(full);
    for (let changes = random.between(1, 3); changes > 0; changes -= 1) {
      const [key, values] = random.pick(keysOf(base));
      const here = nearest(values, Number(full.get(key)));
      near.set(key, values[here + (random.chance(500) ? 1 : -1)] ?? values[here] ?? 0);
    }
    return near;
  });
}

/** All that is searched, as it is by those settings. */
export function settled(base: Given, changes: Given): Given {
  const { probe, local, gossip } = settingsOf(new Map([...base, ...changes]));
  const parts: Readonly<Record<string, Readonly<Record<string, unknown>> | null>> = {
    probe: { ...probe },
    local: local && { ...local },
    gossip: { ...gossip },
  };
  return new Map(
    keysOf(base).flatMap(([key]): readonly (readonly [string, SettingValue])[] => {
      const [section = '', name = ''] = key.split('.');
      const part = parts[section];
      const value = part?.[`${name}Ms`] ?? part?.[name];
      return typeof value === 'number' ? [[key, value]] : [];
    }),
  );
}

/** A cluster without a local check gets none. */
function keysOf(base: Given): readonly (readonly [string, readonly number[]])[] {
  const noLocal = base.get('local') === null;
  return Object.entries(SEARCHED).filter(([key]) => !noLocal || !key.startsWith('local.'));
}

function without(base: Given, draw: () => Given): Given {
  for (let draws = 0; draws < MAX_DRAWS; draws += 1) {
    const drawn = draw();
    if (clashesOf(settingsOf(new Map([...base, ...drawn]))).length === 0) return drawn;
  }
  throw new Error('no settings that fit together were found');
}

function nearest(values: readonly number[], to: number): number {
  const distances = values.map((value) => Math.abs(Math.log(value / to)));
  return distances.indexOf(Math.min(...distances));
}
