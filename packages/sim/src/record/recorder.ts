/**
 * Watches a world and tells what happens in it, record by record. The same plan gives the same records.
 */

import { type AwsEvent, type Caller, holderOf } from '@failtome/cloud/model';
import { decodeMessage, type Fact, type NodeId } from '@failtome/protocol';
import type { Detail } from '../world/details.ts';
import type { World } from '../world/interface.ts';
import type { RunView, WorldEvent } from '../world/watch.ts';
import { Lane } from './lane.ts';
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

/** What a trace says of itself, and where it goes. */
export interface RecorderOptions {
  /** What makes this run again. */
  readonly plan: unknown;
  /** One line for people. */
  readonly title: string;
  readonly sink: (entry: TraceEntry) => void;
}

interface ProcessTrack {
  readonly lane: Lane;
  run: string;
  process: 'off' | 'alive' | 'paused' | 'stopped' | 'crashed';
  shown: ProcessState;
}

/** Records a world from its making to its end. */
export class Recorder {
  readonly #world: World;
  readonly #sink: RecorderOptions['sink'];
  readonly #tracks = new Map<string, ProcessTrack>();
  readonly #laneOfRun = new Map<string, string>();
  readonly #shown = new Map<string, string>();
  /** Faults that have begun and not ended. */
  readonly #open = new Set<number>();
  #said: RunView | null = null;
  #count = 0;
  #violated = false;
  #over = false;
  readonly #onWorld = (event: WorldEvent): void => {
    if (this.#over) return;
    switch (event.kind) {
      case 'started':
        this.#trackOf(event.by).process = 'alive';
        break;
      case 'ended':
        this.#trackOf(event.by).process = event.by.state().phase === 'stopped' ? 'stopped' : 'crashed';
        break;
      case 'paused':
        this.#trackOf(event.by).process = 'paused';
        break;
      case 'resumed':
        this.#trackOf(event.by).process = 'alive';
        break;
      case 'facts':
        for (const fact of event.facts)
          if (isWorthIt(fact)) this.#write({ kind: 'fact', who: this.#trackOf(event.by).lane.name, fact });
        return;
      case 'said':
        this.#said = event.by;
        return;
      case 'stepped':
        for (const change of this.#trackOf(event.by).lane.changes(event.by)) this.#write(change);
        break;
      case 'cloud':
        this.#onCloud(event.event);
        break;
      default:
        return;
    }
    this.#look();
  };
  readonly #onDetail = (detail: Detail): void => {
    if (this.#over) return;
    switch (detail.kind) {
      case 'sent':
        return this.#writeSent(detail);
      case 'arrived':
        return this.#write({ kind: 'arrived', msg: detail.msg, who: detail.to, again: detail.again });
      case 'lost':
        return this.#write(detail);
      case 'called': {
        const { action, ...request } = detail.request;
        return this.#write({
          kind: 'called',
          call: detail.call,
          who: this.#callerOf(detail.by),
          action,
          request,
        });
      }
      case 'call-ended':
        return this.#write({
          kind: 'call-ended',
          call: detail.call,
          end: detail.end.kind,
          code: detail.end.code ?? null,
        });
      case 'fault-began':
        this.#look();
        if (detail.lasts) this.#open.add(detail.fault);
        return this.#write({ ...detail, kind: 'fault' });
      case 'fault-ended':
        this.#look();
        return this.#endFault(detail.fault);
      case 'healed':
        this.#look();
        for (const fault of this.#open) this.#endFault(fault);
        return;
      case 'changed':
        return this.#look();
      case 'ordered':
        return this.#write({ kind: 'order', order: detail.order, who: detail.to, command: detail.command });
      case 'order-answered':
        return this.#write(detail);
    }
  };

  /**
   * Record a world from here on: call it when the world is built, before anything runs.
   */
  constructor(world: World, { plan, title, sink }: RecorderOptions) {
    this.#world = world;
    this.#sink = sink;
    sink(headerOf(world, plan, title));
    for (const { id } of world.spec.nodes)
      this.#write({ kind: 'process', who: this.#newTrack(id).lane.name, state: 'off', run: '' });
    this.#look();
    world.watch(this.#onWorld);
    world.details.subscribe(this.#onDetail);
  }

  /** Tell the end. Later events aren't told. */
  finish(): void {
    if (this.#over) return;
    this.#look();
    this.#over = true;
    const violation = this.#world.violation();
    this.#sink({
      kind: 'end',
      hash: this.#world.trace.hash(),
      events: this.#world.queue.ran(),
      virtualMs: this.#world.now(),
      records: this.#count,
      violation: violation === null ? null : { ...violation, causes: [] },
    });
  }

  #write(body: RecordBody): void {
    this.#count += 1;
    this.#sink({
      n: this.#count,
      step: this.#world.queue.ran(),
      at: Math.round(this.#world.now() * 1_000) / 1_000,
      ...body,
    });
  }

  #trackOf(by: RunView): ProcessTrack {
    const known = this.#tracks.get(this.#laneOfRun.get(by.run) ?? '');
    if (known !== undefined) return known;
    const track = this.#freeTrack(by);
    this.#laneOfRun.set(by.run, track.lane.name);
    track.run = by.run;
    return track;
  }

  /** The node's own lane; while that is taken, one beside it for a second process with the same id. */
  #freeTrack({ node, run }: RunView): ProcessTrack {
    const names = [node, ...[...this.#tracks.keys()].filter((name) => name.startsWith(`${node}#`))];
    const free = names
      .map((name) => this.#tracks.get(name))
      .find((track) => track !== undefined && !isTaken(track));
    return free ?? this.#newTrack(run);
  }

  #newTrack(name: string): ProcessTrack {
    const made: ProcessTrack = { lane: new Lane(name), run: '', process: 'off', shown: 'off' };
    this.#tracks.set(name, made);
    return made;
  }

  /** What is seen from outside: asked again and again, because nobody tells. */
  #look(): void {
    for (const { id } of this.#world.spec.nodes) {
      const { frozen, haproxy } = this.#world.machine(id);
      const track = this.#tracks.get(id);
      if (track !== undefined) this.#showProcess(id, track, frozen);
      if (this.#isNews(`haproxy ${id}`, haproxy)) this.#write({ kind: 'haproxy', who: id, state: haproxy });
    }
    for (const [name, track] of this.#tracks)
      if (this.#world.spec.nodes.every(({ id }) => id !== name)) this.#showProcess(name, track, false);
    for (const address of this.#world.spec.addresses) {
      const instance = holderOf(this.#world.cloud.state(), address);
      const owner = instance === null ? null : (this.#world.nodeOf(instance) ?? instance);
      const served = this.#world.outside.servedBy(address);
      if (this.#isNews(`owner ${address}`, `${owner} ${served}`))
        this.#write({ kind: 'owner', address, owner, served });
    }
    const violation = this.#world.violation();
    if (violation === null || this.#violated) return;
    this.#violated = true;
    this.#write({ kind: 'violation', invariant: violation.invariant, detail: violation.detail });
  }

  #showProcess(who: string, track: ProcessTrack, frozen: boolean): void {
    const is = seenAs(track.process, frozen);
    if (is === track.shown) return;
    track.shown = is;
    this.#write({ kind: 'process', who, state: is, run: track.run });
  }

  #isNews(key: string, text: string): boolean {
    if (this.#shown.get(key) === text) return false;
    this.#shown.set(key, text);
    return true;
  }

  #callerOf(caller: Caller): string {
    return caller.kind === 'operator'
      ? caller.name
      : (this.#world.nodeOf(caller.instanceId) ?? caller.instanceId);
  }

  #onCloud(event: AwsEvent): void {
    if (event.kind === 'published') {
      const { subject, message } = event;
      return this.#write({
        kind: 'published',
        who: this.#callerOf(event.by),
        subject: subject ?? '',
        message,
      });
    }
    const { association, publicIp } = event;
    this.#write({
      kind: 'association',
      change: event.kind === 'associated' ? 'begun' : 'ended',
      address: publicIp,
      target: this.#world.nodeOf(association.instanceId) ?? association.instanceId,
      associationId: association.id,
      by: this.#callerOf(event.by),
      cause: event.kind === 'ended' ? event.association.cause : null,
    });
  }

  #endFault(fault: number): void {
    if (this.#open.delete(fault)) this.#write({ kind: 'fault-ended', fault });
  }

  #writeSent(detail: Extract<Detail, { kind: 'sent' }>): void {
    const { msg, from, to, route, fresh, bytes } = detail;
    const decoded = decodeMessage(bytes);
    const who = this.#said?.node === from ? this.#trackOf(this.#said).lane.name : from;
    this.#said = null;
    const message = decoded.kind === 'message' ? decoded.message : null;
    this.#write({
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
