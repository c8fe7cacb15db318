/** What can be done to a node: to the process of its agent, to its machine, and to what it is configured with. */
import { setInstance, setInstanceState } from '@failtome/cloud/model';
import type { NodeId } from '@failtome/protocol';
import type { Cloud } from './cloud.ts';
import type { World } from './interface.ts';
import type { Nodes, SimNode } from './nodes.ts';
import { configOf, type WorldSpec } from './spec.ts';

/** What is done is written to the trace first. */
type Mark = (id: NodeId, what: string) => SimNode;

type ProcessActions = Pick<
  World,
  'start' | 'stop' | 'crash' | 'pause' | 'resume' | 'clone' | 'reload' | 'upgrade'
>;

type MachineActions = Pick<
  World,
  'vanish' | 'comeBack' | 'freeze' | 'thaw' | 'haproxy' | 'wayOut' | 'terminate'
>;

/** What is done to the agent's process. */
export function createProcessActions(nodes: Nodes, spec: WorldSpec, mark: Mark): ProcessActions {
  return {
    start: (id) => nodes.start(id),
    stop: (id) => mark(id, 'stop').process?.post({ kind: 'stop' }),
    crash: (id) => mark(id, 'crash').process?.kill(),
    pause: (id) => mark(id, 'pause').process?.pause(),
    resume: (id) => mark(id, 'resume').process?.resume(),
    clone(id) {
      mark(id, 'clone');
      return nodes.clone(id);
    },
    reload(id, overrides) {
      const node = mark(id, 'reload');
      node.overrides = { ...overrides, wire: node.overrides.wire ?? 0 };
      node.config = configOf(spec, node.spec, node.overrides);
      node.process?.post({ kind: 'configured', config: node.config });
    },
    upgrade(id, wire) {
      const node = mark(id, `upgrade ${wire}`);
      node.overrides = { ...node.overrides, wire: Math.max(0, (node.overrides.wire ?? 0) + wire) };
      if (node.process === null) return;
      node.again = true;
      node.process.post({ kind: 'stop' });
    },
  };
}

/** What is done to the whole machine. */
export function createMachineActions(nodes: Nodes, cloud: Cloud, mark: Mark): MachineActions {
  const setNetwork = ({ machine }: SimNode, network: 'attached' | 'gone'): void =>
    cloud.change((state, atMs) => setInstance(state, machine.instanceId, { network }, atMs));

  function goOn(node: SimNode): void {
    node.state = 'on';
    node.machine.frozen = false;
    setNetwork(node, 'attached');
  }

  function vanish(id: NodeId): void {
    const node = mark(id, 'vanish');
    if (node.state === 'terminated') return;
    node.process?.kill();
    node.state = 'gone';
    node.machine.frozen = true;
    setNetwork(node, 'gone');
  }

  return {
    vanish,
    comeBack(id) {
      const node = mark(id, 'come back');
      if (node.state === 'terminated') return;
      goOn(node);
      nodes.start(id);
    },
    freeze(id) {
      const node = mark(id, 'freeze');
      if (node.state !== 'on') return;
      node.state = 'frozen';
      node.machine.frozen = true;
      node.process?.pause();
      setNetwork(node, 'gone');
    },
    thaw(id) {
      const node = mark(id, 'thaw');
      if (node.state !== 'frozen') return;
      goOn(node);
      node.process?.resume();
    },
    haproxy(id, state) {
      mark(id, `haproxy ${state}`).machine.haproxy = state;
    },
    wayOut(id, state) {
      const { machine } = mark(id, `way out ${state}`);
      cloud.change((aws, atMs) => setInstance(aws, machine.instanceId, { wayOut: state }, atMs));
    },
    terminate(id) {
      vanish(id);
      const node = nodes.at(id);
      node.state = 'terminated';
      const by = { kind: 'operator', name: 'console' } as const;
      cloud.change((aws, atMs) => setInstanceState(aws, node.machine.instanceId, 'terminated', by, atMs));
    },
  };
}
