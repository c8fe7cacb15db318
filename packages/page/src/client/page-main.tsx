/** What runs in the browser: takes over the document that the agent has made, and keeps it up to date. */
import { hydrate, render } from 'preact';
import { App, type Shown } from '../app.tsx';
import { headlinesOf, worstOf } from '../headline.ts';
import { clusterOf, storiesOf } from '../model.ts';
import { DATA_ID, iconOf, lostTitleOf, ROOT_ID, titleOf } from '../outside.ts';
import { follow } from './feed.ts';

function start(): void {
  const root = document.getElementById(ROOT_ID);
  const data = document.getElementById(DATA_ID)?.textContent;
  if (root === null || data === null || data === undefined) throw new Error('the document is not whole');
  const json: unknown = JSON.parse(data);
  let shown: Shown = { cluster: clusterOf(json), stories: storiesOf(Object(json).stories), feed: 'still' };
  // The first time as it stands in the document, so that it is found unchanged.
  hydrate(<App {...shown} />, root);
  const show = (change: Partial<Shown>): void => {
    shown = { ...shown, ...change };
    render(<App {...shown} />, root);
    if (change.stories === undefined) showOutside(shown);
  };
  follow({
    onCluster: (told) => show({ cluster: clusterOf(told), feed: 'live' }),
    onStories: (told) => show({ stories: storiesOf(told) }),
    onLost: () => show({ feed: 'lost' }),
  });
}

/** Title and icon: what is seen of a tab that isn't looked at. */
function showOutside({ cluster, feed }: Shown): void {
  const title = feed === 'lost' ? lostTitleOf(cluster) : titleOf(cluster);
  if (document.title !== title) document.title = title;
  const icon = document.querySelector('link[rel=icon]');
  const href = iconOf(feed === 'lost' ? 'unknown' : worstOf(headlinesOf(cluster)));
  if (icon?.getAttribute('href') !== href) icon?.setAttribute('href', href);
}

start();
