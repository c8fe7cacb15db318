/**
 * The status page: one document that loads nothing from anywhere else, and polls the API it came from.
 */
import { createHash } from 'node:crypto';
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** The whole page. It holds nothing of the node; its script asks for that. */
export const PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>failtome</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1 id="cluster">failtome</h1>
<p id="self" class="faint">asking the agent …</p>
<p id="stale" class="banner bad" role="alert"></p>
<p id="paused" class="banner warn" role="status"></p>
<p id="handovers" class="banner warn" role="status"></p>
<noscript><p class="banner warn">This page needs JavaScript; the same is at <a href="v1/status">v1/status</a>.</p></noscript>
</header>
<main>
<h2>Addresses</h2>
<div id="addresses" class="cards"></div>
<h2 id="nodes-title">Nodes</h2>
<table aria-labelledby="nodes-title">
<thead><tr><th scope="col">Node</th><th scope="col">Role</th><th scope="col">Fit</th><th scope="col">Ready</th><th scope="col">State</th><th scope="col">Last heard</th></tr></thead>
<tbody id="nodes"></tbody>
</table>
<h2>Recent history</h2>
<ol id="history" class="history"></ol>
</main>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;

const sourceHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs or loads but what stands in the page, and no other site may frame it. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${sourceHash(PAGE_SCRIPT)}`,
    `style-src ${sourceHash(PAGE_STYLE)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'referrer-policy': 'no-referrer',
};
