/** Clusters as `/v1/cluster` tells them, everything fine but for what a test changes. */
import { type ClusterModel, clusterOf } from '../src/model.ts';

export const IP = '192.0.2.1';

export function addressJson(change: object = {}): object {
  return {
    ip: IP,
    protection: { state: 'protected', next: 'neptune', reasons: [], advice: [] },
    holder: { kind: 'node', node: 'saturn' },
    verdict: 'up',
    verdictForMs: 60_000,
    holdDownMs: 0,
    takeover: null,
    ...change,
  };
}

export function says(state: string, reasons: readonly string[] = [], next: string | null = null): object {
  return {
    protection: { state, next, reasons, advice: reasons.map((reason) => `do something about ${reason}`) },
  };
}

export function nodeJson(id: string, change: object = {}, status: object = {}): object {
  return {
    id,
    role: 'candidate',
    self: id === 'saturn',
    ageMs: 100,
    failure: null,
    decisions: [],
    ...change,
    status: {
      version: '1.0.0',
      configDigest: 'aaaaaaaa-bbbbbbbb',
      node: { fit: 'fit', readiness: { word: 'ready', because: [] } },
      addresses: [addressJson()],
      peers: [{ id: id === 'saturn' ? 'neptune' : 'saturn', state: 'alive' }],
      pause: { paused: false },
      handovers: [],
      ...status,
    },
  };
}

export function cluster(...nodes: readonly object[]): ClusterModel {
  return clusterOf({ cluster: 'web', node: 'saturn', at: 1_767_323_045_000, nodes });
}
