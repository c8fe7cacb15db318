/** Pauses and handovers that are open, with their reasons and their ends. */
import type { VNode } from 'preact';
import { Marked } from './marked.tsx';
import { type ClusterModel, type HandoverModel, isFresh, type PauseModel } from './model.ts';
import { machineTime, moment } from './text.ts';

/** Nothing where nothing is open. */
export function Notices({ cluster }: { readonly cluster: ClusterModel }): VNode | null {
  const statuses = cluster.nodes.filter(isFresh).flatMap(({ status }) => status ?? []);
  const pause = statuses.find((status) => status.pause !== null)?.pause ?? null;
  const all = statuses.flatMap(({ handovers }) => handovers);
  const handovers = all.filter(({ id }, at) => all.findIndex((one) => one.id === id) === at);
  if (pause === null && handovers.length === 0) return null;
  return (
    <section aria-labelledby="open-title">
      <h2 id="open-title">Ordered</h2>
      <ul class="notices">
        {pause === null ? null : <Pause pause={pause} />}
        {handovers.map((handover) => (
          <Handover key={handover.id} handover={handover} />
        ))}
      </ul>
    </section>
  );
}

function Pause({ pause: { owner, reason, until } }: { readonly pause: PauseModel }): VNode {
  return (
    <li>
      <strong>Automatic takeover is paused</strong> by {owner}
      {reason === '' ? '' : `: ${reason}`}. It ends{' '}
      <End until={until} without="when somebody runs `failtome resume`" />.
    </li>
  );
}

function Handover({ handover }: { readonly handover: HandoverModel }): VNode {
  const { address, to, by, reason, detail, until } = handover;
  return (
    <li>
      <strong>
        Handover of {address} to {to}
      </strong>
      , ordered by {by}
      {reason === '' ? '' : `: ${reason}`}. Open until <End until={until} without="it is done" />
      {detail === '' ? '' : `; waits: ${detail}`}.
    </li>
  );
}

function End({ until, without }: { readonly until: number | null; readonly without: string }): VNode {
  return until === null ? (
    <Marked text={without} />
  ) : (
    <time dateTime={machineTime(until)}>{moment(until)}</time>
  );
}
