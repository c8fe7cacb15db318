/** The simulator's checks and its external IP, in virtual time. */
import { createAws } from '../../packages/cloud/src/model/index.ts';
import type { Ports } from '../../packages/protocol/src/index.ts';
import { createObservationPorts } from '../../packages/sim/src/world/observation-ports.ts';
import { type HaproxyState, type Machine, Outside } from '../../packages/sim/src/world/outside.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import type { CheckWorld, ExternalIpWorld, ServiceBehaviour } from './checks-contract.ts';
import { ADDRESS, type FakeProcess, fakeProcess } from './sim-process.ts';

const OWN = '192.0.2.10';
const LIE = '203.0.113.250';

interface Senses {
  readonly ports: Pick<Ports, 'prober' | 'local' | 'externalIp'>;
  readonly outside: Outside;
  /** Neptune's holds the address, saturn's checks it. */
  readonly machines: { readonly saturn: Machine; readonly neptune: Machine };
  readonly posted: FakeProcess['posted'];
  next(): Promise<void>;
}

function openSenses(): Senses {
  const queue = createQueue();
  const random = createRandom(1);
  let lost = 0;
  // With any loss at all the first connection is lost, and no other.
  const chance = (perMille: number): boolean => perMille > 0 && lost++ === 0;
  const aws = createAws({
    instances: [{ id: 'i-1', autoAddress: OWN }, { id: 'i-2' }],
    addresses: [{ publicIp: ADDRESS, holder: 'i-2' }],
    config: { associationSettleMs: 0 },
  });
  const machine = (id: string, instanceId: string): Machine => ({
    id,
    instanceId,
    haproxy: 'up',
    slowMs: 5_000,
    frozen: false,
    blockedPaths: new Set(),
    outsideLossPerMille: 0,
  });
  const machines = { saturn: machine('saturn', 'i-1'), neptune: machine('neptune', 'i-2') };
  const outside = new Outside(queue, { ...random, chance }, () => aws, Object.values(machines));
  const { clock, life, posted } = fakeProcess(queue);
  const ports = createObservationPorts(
    { outside, emit: () => undefined },
    { machine: machines.saturn, clock },
    life,
  );
  return {
    ports,
    outside,
    machines,
    posted,
    async next() {
      const before = posted.length;
      while (posted.length === before && queue.runNext(Number.POSITIVE_INFINITY));
    },
  };
}

function worldOf(
  { posted, next, machines }: Senses,
  service: Machine,
  check: CheckWorld['check'],
): CheckWorld {
  return {
    posted,
    next,
    check,
    service(behaviour: ServiceBehaviour) {
      const lossy = behaviour === 'lossy';
      const state: HaproxyState = lossy ? 'up' : behaviour;
      service.haproxy = state;
      machines.saturn.outsideLossPerMille = lossy ? 1 : 0;
    },
    close: () => undefined,
  };
}

export async function openSimulatedProber(): Promise<CheckWorld> {
  const senses = openSenses();
  return worldOf(senses, senses.machines.neptune, (probeId, of) =>
    senses.ports.prober.probe({
      kind: 'probe',
      probeId,
      address: of === undefined ? ADDRESS : '198.51.100.9',
    }),
  );
}

export async function openSimulatedLocalCheck(): Promise<CheckWorld> {
  const senses = openSenses();
  return worldOf(senses, senses.machines.saturn, (checkId) =>
    senses.ports.local.check({ kind: 'check-local', checkId }),
  );
}

export async function openSimulatedExternalIp(): Promise<ExternalIpWorld> {
  const { ports, outside, machines, posted, next } = openSenses();
  return {
    posted,
    next,
    own: OWN,
    lie: LIE,
    ask: (askId) =>
      ports.externalIp.ask({
        kind: 'ask-external-ip',
        askId,
        purpose: 'guard',
        address: ADDRESS,
        timeoutMs: 600,
      }),
    service(behaviour) {
      machines.saturn.outsideLossPerMille = behaviour === 'lossy' ? 1 : 0;
      if (behaviour === 'lies') outside.ipService = { kind: 'lies', ip: LIE };
      else outside.ipService = { kind: behaviour === 'lossy' ? 'up' : behaviour };
    },
    close: () => undefined,
  };
}
