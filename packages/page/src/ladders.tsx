/** Every node's decision about every address, gate by gate. Where something is wrong, the one that matters stands open. */
import type { VNode } from 'preact';
import type { Headline } from './headline.ts';
import { Marked } from './marked.tsx';
import type { ClusterModel, DecisionModel, GateModel, NodeModel } from './model.ts';
import { ago, sentence } from './text.ts';

interface Ladder {
  readonly node: NodeModel;
  readonly decision: DecisionModel;
  readonly open: boolean;
}

/** One that can be folded for each candidate and address. */
export function Ladders({
  cluster,
  headlines,
}: {
  readonly cluster: ClusterModel;
  readonly headlines: readonly Headline[];
}): VNode | null {
  const ladders = headlines.flatMap((headline) => laddersOf(cluster, headline));
  if (ladders.length === 0) return null;
  return (
    <section aria-labelledby="why-title">
      <h2 id="why-title">Would it take over? Why, or why not</h2>
      {ladders.map(({ node, decision, open }) => (
        <Rungs key={`${decision.address} ${node.id}`} ladder={{ node, decision, open }} />
      ))}
    </section>
  );
}

/** Whose ladder answers the question: who is next, else the first that doesn't hold it. */
function laddersOf({ nodes }: ClusterModel, { ip, state, next, holder }: Headline): readonly Ladder[] {
  const all = nodes.flatMap((node) =>
    node.decisions.filter(({ address }) => address === ip).map((decision) => ({ node, decision })),
  );
  const candidates = all.filter(({ node }) => node.role === 'candidate');
  const others = candidates.filter(({ node }) => node.id !== holder);
  const first = others.find(({ node }) => node.id === next) ?? others[0] ?? candidates[0];
  return candidates.map((one) => ({ ...one, open: state !== 'protected' && one === first }));
}

function Rungs({ ladder: { node, decision, open } }: { readonly ladder: Ladder }): VNode {
  const { address, outcome, reason, detail, advice, gates } = decision;
  return (
    <details class="ladder" open={open}>
      <summary>
        <strong>{node.id}</strong> on {address}: {outcome}, <code>{reason}</code>
        {detail === '' ? '' : `: ${detail}`}
      </summary>
      {advice === '' ? null : (
        <p class="advice">
          <Marked text={sentence(advice)} /> <a href={`operations#${reason}`}>{reason}</a>
        </p>
      )}
      <ol>
        {gates.map((gate) => (
          <Rung key={gate.name} gate={gate} />
        ))}
      </ol>
    </details>
  );
}

function Rung({ gate }: { readonly gate: GateModel }): VNode {
  const { tone, sign, label } = markOf(gate);
  return (
    <li class={gate.state}>
      <span class={`mark ${tone}`} role="img" aria-label={label}>
        {sign}
      </span>
      <span class="name">{gate.name}</span>
      <span class="reason">
        {gate.reason}
        {gate.state === 'closed' && gate.code !== '' ? (
          <>
            {' '}
            <a href={`operations#${gate.code}`} aria-label={`More about ${gate.code}`}>
              more
            </a>
          </>
        ) : null}
      </span>
      <span class="age">{gate.ageMs === null ? '' : ago(gate.ageMs)}</span>
    </li>
  );
}

/** Closed as it should be, because the address answers say, is no alarm. */
function markOf({ state, calm }: GateModel): {
  readonly tone: string;
  readonly sign: string;
  readonly label: string;
} {
  switch (state) {
    case 'passed':
      return { tone: 'good', sign: '✓', label: 'passed' };
    case 'closed':
      return calm
        ? { tone: 'plain', sign: '■', label: 'closed, as it should be' }
        : { tone: 'bad', sign: '✕', label: 'closed' };
    case 'not-asked':
      return { tone: 'faint', sign: '·', label: 'not asked' };
  }
}
