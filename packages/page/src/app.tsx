/** The page, in the order in which one asks: is it protected, what is open, the nodes, what happened, why. */
import type { VNode } from 'preact';
import { Addresses } from './addresses.tsx';
import { headlinesOf } from './headline.ts';
import { Ladders } from './ladders.tsx';
import { type ClusterModel, isFresh, type StoryModel } from './model.ts';
import { Nodes } from './nodes.tsx';
import { Notices } from './notices.tsx';
import { Stories } from './stories.tsx';
import { clock } from './text.ts';

/** What the page shows. */
export interface Shown {
  readonly cluster: ClusterModel;
  readonly stories: readonly StoryModel[];
  /** `still`: as it was answered, no script has taken over. `live`: it follows. `lost`: the agent doesn't answer any more. */
  readonly feed: 'still' | 'live' | 'lost';
}

/** Everything inside the body. */
export function App({ cluster, stories, feed }: Shown): VNode {
  const headlines = headlinesOf(cluster);
  return (
    <div class={feed === 'lost' ? 'page lost' : 'page'}>
      <header>
        <h1>Cluster {cluster.cluster}</h1>
        <Feed cluster={cluster} feed={feed} />
      </header>
      <main>
        <Addresses headlines={headlines} lost={feed === 'lost'} />
        <Notices cluster={cluster} />
        <Nodes cluster={cluster} />
        <Stories cluster={cluster} stories={stories} />
        <Ladders cluster={cluster} headlines={headlines} />
      </main>
      <footer>
        <p>
          <a href="operations">What to do about each reason</a> · the same as JSON:{' '}
          <a href="v1/cluster">v1/cluster</a>
          {', '}
          <a href="metrics">metrics</a>
        </p>
      </footer>
    </div>
  );
}

/** Whether what is shown is of now. The place is kept, so that nothing jumps. */
function Feed({ cluster, feed }: Pick<Shown, 'cluster' | 'feed'>): VNode {
  const heard = cluster.nodes.filter(isFresh).length;
  const where = `seen from ${cluster.node}; answers of nodes: ${heard} of ${cluster.nodes.length}`;
  return (
    <div class="feed">
      <p role="alert" class="alert">
        {feed === 'lost'
          ? `${cluster.node} gives no answer. What is shown was so at ${clock(cluster.at)}.`
          : ''}
      </p>
      <p class="faint" hidden={feed === 'lost'}>
        <span class={`dot ${feed}`} aria-hidden="true" />
        {feed === 'live' ? 'Live, as' : 'As'} of <time>{clock(cluster.at)}</time>, {where}
      </p>
    </div>
  );
}
