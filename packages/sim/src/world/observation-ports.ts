/**
 * What a process sees of the world: probes of the address, checks of its own web server, and the external IP.
 */
import type { Ports } from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';

/** A check that takes so much longer than it may says something of this process only (PROTOCOL.md, "Observation"). */
const OWN_SLOWNESS_MS = 250;

export function createObservationPorts(
  { outside, tell }: Environment,
  { machine, clock }: ProcessSpec,
  life: Life,
): Pick<Ports, 'prober' | 'local' | 'externalIp'> {
  /** A check's result as the adapter would tell it: it measures by the process's own clock, standstill included. */
  function measured<R extends { readonly durationMs: number }>(
    startedAt: number,
    done: (result: R) => void,
  ): (result: R) => void {
    return (result) =>
      life.enter(() =>
        done({ ...result, durationMs: Math.max(result.durationMs, clock.now().at - startedAt) }),
      );
  }

  return {
    prober: {
      probe: ({ probeId, address }) =>
        life.leave(() => {
          const startedAt = clock.now().at;
          const timeoutMs =
            life.view().config.addresses.find(({ ip }) => ip === address)?.probe.timeoutMs ?? 1_000;
          tell({ kind: 'probe-began', by: life.view(), probeId, address });
          outside.probe(
            machine,
            address,
            timeoutMs,
            measured(startedAt, (result) => life.feed({ kind: 'probed', probeId, result })),
          );
        }),
    },
    local: {
      check: ({ checkId }) =>
        life.leave(() => {
          const startedAt = clock.now().at;
          const timeoutMs = life.view().config.local?.timeoutMs ?? 1_000;
          outside.checkLocal(
            machine,
            timeoutMs,
            measured(startedAt, (result) => {
              const slow = result.kind === 'failed' && result.durationMs > timeoutMs + OWN_SLOWNESS_MS;
              tell({ kind: 'local-checked', by: life.view(), ok: slow ? null : result.kind === 'ok' });
              life.feed({ kind: 'local-checked', checkId, result });
            }),
          );
        }),
    },
    externalIp: {
      ask: ({ askId, purpose, timeoutMs }) =>
        life.leave(() => {
          const startedAt = clock.now().at;
          outside.askExternalIp(
            machine,
            timeoutMs,
            measured(startedAt, (result) => {
              if (result.kind === 'address') tell({ kind: 'proof', by: life.view(), ip: result.ip });
              life.feed({ kind: 'external-ip', askId, purpose, result });
            }),
          );
        }),
    },
  };
}
