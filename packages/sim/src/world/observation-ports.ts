/**
 * What a process sees of the world: probes of the address, checks of its own web server, and the external IP.
 */
import type { CheckResult, ExternalIpResult, Ports } from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';

/** A check that takes so much longer than it may says something of this process only (PROTOCOL.md, "Observation"). */
const OWN_SLOWNESS_MS = 250;

type Observing = Pick<Ports, 'prober' | 'local' | 'externalIp'>;

/** The ports of one process that observe. */
export function createObservationPorts(
  { outside, emit }: Pick<Environment, 'outside' | 'emit'>,
  { machine, clock }: Pick<ProcessSpec, 'machine' | 'clock'>,
  life: Life,
): Observing {
  /** A check's result as the adapter would tell it: it measures by the process's own clock, standstill included. */
  function measured<R extends { readonly durationMs: number }>(
    done: (result: R) => void,
  ): (result: R) => void {
    const startedAt = clock.now().at;
    return (result) =>
      life.enter(() => {
        const durationMs = clock.now().at - startedAt;
        done(durationMs > result.durationMs ? { ...result, durationMs } : result);
      });
  }

  const probe: Observing['prober']['probe'] = ({ probeId, address }) => {
    const settings = life.view().config.addresses.find(({ ip }) => ip === address);
    if (settings === undefined) {
      const result = { kind: 'inconclusive', detail: `${address} is not configured`, durationMs: 0 } as const;
      return life.feed({ kind: 'probed', probeId, result });
    }
    emit({ kind: 'probe-began', by: life.view(), probeId, address });
    const done = measured<CheckResult>((result) => life.feed({ kind: 'probed', probeId, result }));
    outside.probe(machine, address, settings.probe.timeoutMs, done);
  };

  const check: Observing['local']['check'] = ({ checkId }) => {
    const timeoutMs = life.view().config.local?.timeoutMs ?? 1_000;
    emit({ kind: 'local-check-began', by: life.view(), checkId });
    const done = measured<CheckResult>((result) => {
      const slow = result.kind === 'failed' && result.durationMs > timeoutMs + OWN_SLOWNESS_MS;
      emit({ kind: 'local-checked', by: life.view(), checkId, ok: slow ? null : result.kind === 'ok' });
      life.feed({ kind: 'local-checked', checkId, result });
    });
    outside.checkLocal(machine, timeoutMs, done);
  };

  const ask: Observing['externalIp']['ask'] = ({ askId, purpose, address, timeoutMs }) => {
    const done = measured<ExternalIpResult>((result) => {
      if (result.kind === 'address') emit({ kind: 'proof', by: life.view(), ip: result.ip });
      life.feed({ kind: 'external-ip', askId, purpose, result });
    });
    outside.askExternalIp(machine, address, timeoutMs, done);
  };

  return {
    prober: { probe: (effect) => life.leave(() => probe(effect)) },
    local: { check: (effect) => life.leave(() => check(effect)) },
    externalIp: { ask: (effect) => life.leave(() => ask(effect)) },
  };
}
