/** The nodes side by side: what each says itself, and where they disagree. */
import type { VNode } from 'preact';
import { type Cell, type Line, linesOf } from './differences.ts';
import { type ClusterModel, isFresh, type NodeModel } from './model.ts';

/** A table, one column a node; it scrolls sideways in itself where the screen is narrow. */
export function Nodes({ cluster }: { readonly cluster: ClusterModel }): VNode {
  return (
    <section aria-labelledby="nodes-title">
      <h2 id="nodes-title">Nodes, each by its own word</h2>
      {/* Who has no mouse scrolls it with the arrow keys. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region has to take the focus (WCAG 2.1.1) */}
      <section class="wide" aria-label="Nodes side by side" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span class="hidden">Question</span>
              </th>
              {cluster.nodes.map((node) => (
                <Head key={node.id} node={node} />
              ))}
            </tr>
          </thead>
          <tbody>
            {linesOf(cluster).map((line) => (
              <Row key={line.question} line={line} nodes={cluster.nodes} />
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function Head({ node }: { readonly node: NodeModel }): VNode {
  return (
    <th scope="col" class={isFresh(node) ? '' : 'old'}>
      {node.id} <span class="faint">{node.role}</span>
    </th>
  );
}

function Row({
  line: { question, cells, differs },
  nodes,
}: {
  readonly line: Line;
  readonly nodes: readonly NodeModel[];
}): VNode {
  return (
    <tr class={differs ? 'differs' : ''}>
      <th scope="row">
        {question}
        {differs ? <strong class="mark"> ≠ they differ</strong> : null}
      </th>
      {cells.map((cell, at) => {
        const node = nodes[at];
        const old = node !== undefined && !isFresh(node) && question !== 'Last word';
        return <Answer key={node?.id ?? at} cell={cell} old={old} />;
      })}
    </tr>
  );
}

function Answer({ cell: { text, tone, more }, old }: { readonly cell: Cell; readonly old: boolean }): VNode {
  return (
    <td class={old ? 'old' : ''}>
      <span class={tone}>{text}</span>
      {old && text !== '–' ? <span class="hidden"> (old)</span> : null}
      {more === '' ? null : <small>{more}</small>}
    </td>
  );
}
