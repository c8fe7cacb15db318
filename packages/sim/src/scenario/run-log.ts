/**
 * What expectations are evaluated by: who held and served each address when, what was called, published, and answered.
 */
import type { Fact } from '@failtome/protocol';
import type { World } from '../world/index.ts';

/** Something that held from a moment on. */
export interface Since<T> {
  readonly atMs: number;
  readonly is: T;
}

/** What expectations ask for, over the time of a run. */
export interface RunLog {
  readonly world: World;
  /** By address, the changes; the first at the beginning. Null: nobody. */
  readonly holders: ReadonlyMap<string, readonly Since<string | null>[]>;
  /** Who answers a client outside. */
  readonly services: ReadonlyMap<string, readonly Since<string | null>[]>;
  /** Why a node could not take over; empty: it could. */
  readonly problems: ReadonlyMap<string, readonly Since<readonly string[]>[]>;
  /** Calls of the nodes to AWS. */
  readonly calls: readonly { readonly atMs: number; readonly action: string; readonly dryRun: boolean }[];
  /** When nodes wrote to the store. */
  readonly stored: readonly { readonly atMs: number }[];
  /** What the operators were answered, by their orders' numbers. */
  readonly answers: readonly { readonly atMs: number; text: string }[];
}

const OFF = ['its agent is off'];

/** Watch a world that has just been built. */
export function runLogOf(world: World): RunLog {
  const holders = new Map<string, Since<string | null>[]>();
  const services = new Map<string, Since<string | null>[]>();
  const problems = new Map<string, Since<readonly string[]>[]>();
  const calls: { atMs: number; action: string; dryRun: boolean }[] = [];
  const stored: { atMs: number }[] = [];
  const answers: { atMs: number; text: string }[] = [];
  const { addresses, nodes } = world.spec;
  for (const { id } of nodes) problems.set(id, [{ atMs: 0, is: OFF }]);

  function look(): void {
    for (const ip of addresses) {
      note(holders, ip, world.holder(ip));
      note(services, ip, world.outside.servedBy(ip));
    }
  }

  function note(log: Map<string, Since<string | null>[]>, key: string, is: string | null): void {
    const before = log.get(key);
    if (before === undefined) log.set(key, [{ atMs: world.now(), is }]);
    else if (before.at(-1)?.is !== is) before.push({ atMs: world.now(), is });
  }

  function onFact(node: string, fact: Fact): void {
    if (fact.kind === 'readiness')
      problems.get(node)?.push({ atMs: world.now(), is: fact.ready ? [] : fact.problems });
  }

  world.watch((event) => {
    if (event.kind === 'facts') for (const fact of event.facts) onFact(event.by.node, fact);
    if (event.kind === 'stored') stored.push({ atMs: world.now() });
    if (event.kind === 'ended') problems.get(event.by.node)?.push({ atMs: world.now(), is: OFF });
    if (event.kind === 'stepped' || event.kind === 'cloud') look();
  });
  world.details.subscribe((detail) => {
    if (detail.kind === 'called' && detail.by.kind === 'instance') {
      const { action } = detail.request;
      calls.push({ atMs: world.now(), action, dryRun: 'dryRun' in detail.request && detail.request.dryRun });
    }
    if (detail.kind === 'ordered') answers[detail.order] = { atMs: world.now(), text: 'no answer' };
    const answered = detail.kind === 'order-answered' ? answers[detail.order] : undefined;
    if (detail.kind === 'order-answered' && answered !== undefined && detail.outcome !== null)
      answered.text = `${detail.outcome.state} ${detail.outcome.detail}`.trim();
  });
  look();
  return { world, holders, services, problems, calls, stored, answers };
}

/** What held at a moment. */
export function heldAt<T>(log: readonly Since<T>[] | undefined, atMs: number): T | undefined {
  return log?.findLast((since) => since.atMs <= atMs)?.is;
}

/** Text with the names of nodes in place of their instances'. */
export function withNames(world: World, text: string): string {
  return world.spec.nodes.reduce(
    (named, { id }) => named.replaceAll(world.instanceOf(id), id).replaceAll(opsworksNameOf(world, id), id),
    text,
  );
}

function opsworksNameOf(world: World, id: string): string {
  return world.cloud.state().instances.get(world.instanceOf(id))?.opsworksId ?? world.instanceOf(id);
}
