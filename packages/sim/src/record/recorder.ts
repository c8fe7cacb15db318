/**
 * Watches a world and tells what happens in it, record by record. The same plan gives the same records.
 */

import { type AwsEvent, type Caller, holderOf } from '@failtome/cloud/model';
import { decodeMessage, type Fact, type NodeId } from '@failtome/protocol';
import type { Detail } from '../world/details.ts';
import type { World } from '../world/interface.ts';
import type { RunView, WorldEvent } from '../world/watch.ts';
import { createLane, type Lane } from './lane.ts';
import {
  type ProcessState,
  type RecordBody,
  TRACE_FORMAT,
  TRACE_VERSION,
  type TraceEntry,
  type TraceHeader,
} from './records.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

export interface RecorderOptions {
  /** What makes this run again. */
  readonly plan: unknown;
  /** One line for people. */
  readonly title: string;
  readonly sink: (entry: TraceEntry) => void;
}

export interface Recorder {
  /** Tell the end. Later events aren't told. */
  finish(): void;
}

interface ProcessTrack {
  readonly lane: Lane;
  run: string;
  process: 'off' | 'alive' | 'paused' | 'stopped' | 'crashed';
  shown: ProcessState;
}

/**
 * Record a world from here on: call it when the world is built, before anything runs.
 */
export function createRecorder(world: World, { plan, title, sink }: RecorderOptions): Recorder {
  const tracks = new Map<string, ProcessTrack>();
  const laneOfRun = new Map<string, string>();
  const shown = new Map<string, string>();
  /** Faults that have begun and not ended. */
  const open = new Set<number>();
  let said: RunView | null = null;
  let count = 0;
  let violated = false;
  let over = false;

  function tell(body: RecordBody): void {
    count += 1;
    sink({ n: count, step: world.queue.ran(), at: Math.round(world.now() * 1_000) / 1_000, ...body });
  }

  function trackOf(by: RunView): ProcessTrack {
    const known = tracks.get(laneOfRun.get(by.run) ?? '');
    if (known !== undefined) return known;
    const track = freeTrack(by);
    laneOfRun.set(by.run, track.lane.name);
    track.run = by.run;
    return track;
  }

  /** The node's own lane; while that is taken, one beside it for a second process with the same id. */
  function freeTrack({ node, run }: RunView): ProcessTrack {
    const names = [node, ...[...tracks.keys()].filter((name) => name.startsWith(`${node}#`))];
    const free = names
      .map((name) => tracks.get(name))
      .find((track) => track !== undefined && !isTaken(track));
    return free ?? newTrack(run);
  }

  function newTrack(name: string): ProcessTrack {
    const made: ProcessTrack = { lane: createLane(name), run: '', process: 'off', shown: 'off' };
    tracks.set(name, made);
    return made;
  }

  /** What is seen from outside: asked again and again, because nobody tells. */
  function look(): void {
    for (const { id } of world.spec.nodes) {
      const { frozen, haproxy } = world.machine(id);
      const track = tracks.get(id);
      if (track !== undefined) showProcess(id, track, frozen);
      if (isNews(`haproxy ${id}`, haproxy)) tell({ kind: 'haproxy', who: id, state: haproxy });
    }
    for (const [name, track] of tracks)
      if (world.spec.nodes.every(({ id }) => id !== name)) showProcess(name, track, false);
    for (const address of world.spec.addresses) {
      const instance = holderOf(world.cloud.state(), address);
      const owner = instance === null ? null : (world.nodeOf(instance) ?? instance);
      const served = world.outside.servedBy(address);
      if (isNews(`owner ${address}`, `${owner} ${served}`)) tell({ kind: 'owner', address, owner, served });
    }
    const violation = world.violation();
    if (violation === null || violated) return;
    violated = true;
    tell({ kind: 'violation', invariant: violation.invariant, detail: violation.detail });
  }

  function showProcess(who: string, track: ProcessTrack, frozen: boolean): void {
    const is = seenAs(track.process, frozen);
    if (is === track.shown) return;
    track.shown = is;
    tell({ kind: 'process', who, state: is, run: track.run });
  }

  function isNews(key: string, text: string): boolean {
    if (shown.get(key) === text) return false;
    shown.set(key, text);
    return true;
  }

  function callerOf(caller: Caller): string {
    return caller.kind === 'operator' ? caller.name : (world.nodeOf(caller.instanceId) ?? caller.instanceId);
  }

  function onWorld(event: WorldEvent): void {
    if (over) return;
    switch (event.kind) {
      case 'started':
        trackOf(event.by).process = 'alive';
        break;
      case 'ended':
        trackOf(event.by).process = event.by.state().phase === 'stopped' ? 'stopped' : 'crashed';
        break;
      case 'paused':
        trackOf(event.by).process = 'paused';
        break;
      case 'resumed':
        trackOf(event.by).process = 'alive';
        break;
      case 'facts':
        for (const fact of event.facts)
          if (isWorthIt(fact)) tell({ kind: 'fact', who: trackOf(event.by).lane.name, fact });
        return;
      case 'said':
        said = event.by;
        return;
      case 'stepped':
        for (const change of trackOf(event.by).lane.changes(event.by)) tell(change);
        break;
      case 'cloud':
        onCloud(event.event);
        break;
      default:
        return;
    }
    look();
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind === 'published') {
      const { subject, message } = event;
      return tell({ kind: 'published', who: callerOf(event.by), subject: subject ?? '', message });
    }
    const { association, publicIp } = event;
    tell({
      kind: 'association',
      change: event.kind === 'associated' ? 'begun' : 'ended',
      address: publicIp,
      target: world.nodeOf(association.instanceId) ?? association.instanceId,
      associationId: association.id,
      by: callerOf(event.by),
      cause: event.kind === 'ended' ? event.association.cause : null,
    });
  }

  function onDetail(detail: Detail): void {
    if (over) return;
    switch (detail.kind) {
      case 'sent':
        return tellSent(detail);
      case 'arrived':
        return tell({ kind: 'arrived', msg: detail.msg, who: detail.to, again: detail.again });
      case 'lost':
        return tell(detail);
      case 'called': {
        const { action, ...request } = detail.request;
        return tell({ kind: 'called', call: detail.call, who: callerOf(detail.by), action, request });
      }
      case 'call-ended':
        return tell({
          kind: 'call-ended',
          call: detail.call,
          end: detail.end.kind,
          code: detail.end.code ?? null,
        });
      case 'fault-began':
        look();
        if (detail.lasts) open.add(detail.fault);
        return tell({ ...detail, kind: 'fault' });
      case 'fault-ended':
        look();
        return endFault(detail.fault);
      case 'healed':
        look();
        for (const fault of open) endFault(fault);
        return;
      case 'changed':
        return look();
      case 'ordered':
        return tell({ kind: 'order', order: detail.order, who: detail.to, command: detail.command });
      case 'order-answered':
        return tell(detail);
    }
  }

  function endFault(fault: number): void {
    if (open.delete(fault)) tell({ kind: 'fault-ended', fault });
  }

  function tellSent(detail: Extract<Detail, { kind: 'sent' }>): void {
    const { msg, from, to, route, fresh, bytes } = detail;
    const decoded = decodeMessage(bytes);
    const who = said?.node === from ? trackOf(said).lane.name : from;
    said = null;
    const message = decoded.kind === 'message' ? decoded.message : null;
    tell({
      kind: 'sent',
      msg,
      who,
      to,
      route,
      fresh,
      bytes: bytes.length,
      seq: message?.seq ?? 0,
      payload: message?.payload ?? null,
    });
  }

  sink(headerOf(world, plan, title));
  for (const { id } of world.spec.nodes)
    tell({ kind: 'process', who: newTrack(id).lane.name, state: 'off', run: '' });
  look();
  world.watch(onWorld);
  world.details.subscribe(onDetail);
  return {
    finish() {
      if (over) return;
      look();
      over = true;
      const violation = world.violation();
      sink({
        kind: 'end',
        hash: world.trace.hash(),
        events: world.queue.ran(),
        virtualMs: world.now(),
        records: count,
        violation: violation === null ? null : { ...violation, causes: [] },
      });
    },
  };
}

function isTaken({ process }: ProcessTrack): boolean {
  return process === 'alive' || process === 'paused';
}

/** A machine that stands still or is off hides what its process is. */
function seenAs(process: ProcessTrack['process'], frozen: boolean): ProcessState {
  if (!frozen) return process;
  return process === 'alive' || process === 'paused' ? 'frozen' : 'gone';
}

/** What every message and its answer tell already isn't told again. */
function isWorthIt(fact: Fact): boolean {
  return fact.kind !== 'heartbeat' || fact.result !== 'ok';
}

function headerOf(world: World, plan: unknown, title: string): TraceHeader {
  const { nodes, addresses, driver } = world.spec;
  const shape = (id: NodeId): string => world.instanceOf(id);
  return {
    kind: 'header',
    format: TRACE_FORMAT,
    version: TRACE_VERSION,
    failtome: FAILTOME_VERSION,
    title,
    cluster: {
      nodes: nodes.map(({ id, role, priority }) => ({ id, role, priority, instanceId: shape(id) })),
      addresses,
      driver,
    },
    plan,
  };
}
