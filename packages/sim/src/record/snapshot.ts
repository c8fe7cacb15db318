/**
 * How every node stands at one moment: its status and its decision ladder, as text.
 */
import {
  type GateState,
  type NodeId,
  type StatusView,
  statusOf,
  type WhyView,
  whyOf,
} from '@failtome/protocol';
import type { World } from '../world/index.ts';
import { seconds } from './describe.ts';

const MARKS: Readonly<Record<GateState, string>> = { passed: '✓', closed: '✗', 'not-asked': '·' };

/** All nodes, one after the other. */
export function snapshotOf(world: World): string {
  const addresses = world.spec.addresses.map((ip) => {
    const served = world.outside.servedBy(ip);
    return `${ip}: belongs to ${world.holder(ip) ?? 'nobody'}, ${served === null ? 'not served' : `served by ${served}`}`;
  });
  const head = `at ${seconds(world.now())}, step #${world.queue.ran()}\n${addresses.join('\n')}\n`;
  return `${head}\n${world.spec.nodes.map(({ id }) => nodeOf(world, id)).join('\n')}`;
}

function nodeOf(world: World, id: NodeId): string {
  const process = world.process(id);
  const haproxy = `HAProxy ${world.machine(id).haproxy}`;
  if (process === null) return `${id}: no process, ${haproxy}\n`;
  const state = process.view.state();
  const now = world.clock(id).now();
  const status = statusOf(state, now);
  const { phase, fit, readiness, incarnation } = status.node;
  const paused = process.isPaused() ? ', its process stands still' : '';
  const lines = [
    `${id}: ${phase}${paused}, ${fit}, ${readyText(readiness)}, incarnation ${incarnation}, ${haproxy}`,
    `  peers: ${status.peers.map((peer) => `${peer.id} ${peer.state}`).join(', ') || 'none'}`,
    ...(status.pause.paused ? [`  paused by ${status.pause.owner}: ${status.pause.reason}`] : []),
    ...status.addresses.flatMap((address) => [
      `  ${addressLine(address)}`,
      ...ladderLines(whyOf(state, address.ip, now)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function readyText({ word }: StatusView['node']['readiness']): string {
  switch (word) {
    case 'ready':
      return 'ready to take over';
    case 'holder':
      return 'the holder';
    case 'witness':
    case 'member':
      return `a ${word}`;
    default:
      return 'not ready to take over';
  }
}

function addressLine(address: StatusView['addresses'][number]): string {
  const { ip, verdict, holder, outcome, decision, epoch, lent } = address;
  const lease = lent === null ? '' : `, lease lent to ${lent.candidate} for another ${lent.leftMs} ms`;
  const held = holder.node ?? holder.instanceId ?? holder.kind;
  return `${ip}: ${verdict}, held by ${held}, epoch ${epoch}${lease}; ${outcome}: ${decision}`;
}

function ladderLines(why: WhyView | null): readonly string[] {
  const gates = why?.gates ?? [];
  return gates.map(({ name, state, reason }) => `    ${MARKS[state]} ${name.padEnd(15)} ${reason}`);
}
