/** The settings that failovers are measured at, and what the cloud is like meanwhile. */

import type { YamlObject } from '../packages/cluster/src/index.ts';
import { type Preset, parseDuration } from '../packages/config/src/index.ts';
import * as keys from '../packages/config/src/protocol-keys.ts';

/** A pair's settings, as far as the floor depends on them; durations in milliseconds. */
export interface Profile {
  readonly name: string;
  readonly settings: YamlObject;
  readonly probe: YamlObject;
  readonly fall: number;
  readonly fastIntervalMs: number;
  readonly intervalMs: number;
  readonly deadMs: number;
  readonly gossipTimeoutMs: number;
}

/** What the embedded cloud is like. */
export interface CloudPace {
  /** What each call takes: half of it until the call is applied. */
  readonly callMs: number;
  /** From an association until it works. */
  readonly settlesMs: number;
}

/** As far as EC2 tells. */
export const USUAL_PACE: CloudPace = { callMs: 200, settlesMs: 0 };

/** A preset, by its own values. */
export function presetProfile(preset: Preset): Profile {
  return {
    name: preset,
    settings: { preset },
    probe: {},
    fall: Number(presetValue(keys.PROBE_FALL, preset)),
    intervalMs: msOf(keys.PROBE_INTERVAL, preset),
    fastIntervalMs: msOf(keys.PROBE_FAST_INTERVAL, preset),
    deadMs: msOf(keys.GOSSIP_DEAD, preset),
    gossipTimeoutMs: msOf(keys.GOSSIP_TIMEOUT, preset),
  };
}

export const defaultProfile: Profile = { ...presetProfile('balanced'), name: 'default', settings: {} };

function msOf(key: keys.DurationKey, preset: Preset): number {
  const ms = parseDuration(String(presetValue(key, preset)));
  if (ms === null) throw new Error(`${key.path} has no default`);
  return ms;
}

function presetValue({ path, fallback }: keys.DurationKey | keys.WholeKey, preset: Preset): string | number {
  if (fallback.kind !== 'preset') throw new Error(`${path} follows from no preset`);
  return fallback.values[preset];
}
