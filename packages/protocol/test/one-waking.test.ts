/** Checks that are made equally often are made together while nothing is wrong (PROTOCOL.md, "Observation"). */
import { describe, expect, test } from 'vitest';
import type { ProtocolConfig } from '../src/model/config.ts';
import type { CheckResult } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { onLocalChecked, onProbed } from '../src/observation/verdict.ts';
import { observeWhatIsDue } from '../src/observation/watching.ts';
import { newContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  CHECK,
  heldBy,
  IP,
  LOCAL,
  PAIR,
  PEER,
  proven,
  seriesOf,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

const OK: CheckResult = { kind: 'ok', status: 200, durationMs: 5 };
const STEP_MS = 10;

/** When checks started, since the present. */
interface Starts {
  readonly probes: readonly number[];
  readonly locals: readonly number[];
}

/** The address was probed at the present, and the own HAProxy is checked next so much later. */
function apart(config: ProtocolConfig, localAfterMs: number): State {
  const state = withAddress(proven(heldBy(stateOf(config), PEER)), {
    series: seriesOf(true, { nextAt: AT }),
    verdict: 'up',
  });
  return { ...state, local: { ...state.local, series: seriesOf(true, { nextAt: AT + localAfterMs }) } };
}

/** Every check answers at once. */
function watch(begin: State, forMs: number): Starts {
  const [probes, locals]: [number[], number[]] = [[], []];
  let state = begin;
  for (let at = AT; at < AT + forMs; at += STEP_MS) {
    const ctx = newContext(proven(state), { at, wall: WALL });
    observeWhatIsDue(ctx);
    for (const effect of [...ctx.effects]) {
      if (effect.kind === 'probe') {
        probes.push(at - AT);
        onProbed(ctx, effect.probeId, OK);
      } else if (effect.kind === 'check-local') {
        locals.push(at - AT);
        onLocalChecked(ctx, effect.checkId, OK);
      }
    }
    state = ctx.state;
  }
  return { probes, locals };
}

describe('the checks of a node for which nothing is wrong', () => {
  test.each([10, 300, 490, 500, 700, 990])(
    'come together again where a hiccup has put them %i ms apart',
    (apartMs) => {
      const { probes, locals } = watch(apart(PAIR, apartMs), 6_000);
      expect(probes.slice(-3)).toEqual(locals.slice(-3));
      const gaps = [probes, locals].flatMap((starts) =>
        starts.slice(1).map((at, i) => at - (starts[i] ?? 0)),
      );
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(CHECK.intervalMs / 2);
      expect(gaps.filter((gap) => gap < CHECK.intervalMs).length).toBeLessThanOrEqual(1);
    },
  );
  test('stay as they are where they are made at different intervals', () => {
    const config = { ...PAIR, local: { ...LOCAL, intervalMs: 700 } };
    const { probes, locals } = watch(apart(config, 300), 4_000);
    expect(probes).toEqual([0, 1_000, 2_000, 3_000]);
    expect(locals).toEqual([300, 1_000, 1_700, 2_400, 3_100, 3_800]);
  });
  test('and of several addresses come together too', () => {
    const other = '203.0.113.8';
    const config = {
      ...PAIR,
      addresses: [...PAIR.addresses, { ...PAIR.addresses[0], ip: other, probe: CHECK, expects: '' }],
    };
    const state = apart(config, 300);
    const begin = {
      ...state,
      addresses: {
        ...state.addresses,
        [other]: { ...addressIn(state), ip: other, series: seriesOf(true, { nextAt: AT + 640 }) },
      },
    };
    const { probes, locals } = watch(begin, 6_000);
    const last = locals.at(-1);
    expect(probes.slice(-2)).toEqual([last, last]);
    expect(IP).not.toBe(other);
  });
});
