/** The whole document, as the agent answers it: readable as it is, and taken over by the script where there is one. */
import { render } from 'preact-render-to-string';
import { App } from './app.tsx';
import { headlinesOf, worstOf } from './headline.ts';
import { clusterOf, storiesOf } from './model.ts';
import { DATA_ID, iconOf, ROOT_ID, titleOf } from './outside.ts';

/** Script and style, which stand in the document. */
export interface PageParts {
  readonly script: string;
  readonly style: string;
}

/** @param json what `/v1/cluster` answers */
export function renderPage(json: unknown, { script, style }: PageParts): string {
  const { stories } = Object(json);
  const cluster = clusterOf(json);
  const body = render(<App cluster={cluster} stories={storiesOf(stories)} feed="still" />);
  const state = worstOf(headlinesOf(cluster));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(titleOf(cluster))}</title>
<link rel="icon" href="${iconOf(state)}">
<noscript><meta http-equiv="refresh" content="5"></noscript>
<style>${style}</style>
</head>
<body>
<div id="${ROOT_ID}">${body}</div>
<script type="application/json" id="${DATA_ID}">${inScript(JSON.stringify(json))}</script>
<script>${script}</script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** No text of a peer's ends the element that it stands in (HTML Living Standard, "Restrictions for contents of script elements"). */
function inScript(json: string): string {
  return json.replaceAll('<', '\\u003c');
}
