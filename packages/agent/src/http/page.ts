/** The status page and the page of what to do about each reason: documents that load nothing from anywhere else. */
import { createHash } from 'node:crypto';
import { renderPage } from '@failtome/page';
import type { ClusterStatus } from './cluster-view.ts';

/** Written in when the agent is built (scripts/page-parts.mjs). */
declare const PAGE_SCRIPT: string;
declare const PAGE_STYLE: string;
declare const OPERATIONS_BODY: string;

/** The status page, with what is known at this moment in it. */
export function statusPage(cluster: ClusterStatus): Buffer {
  if (typeof PAGE_SCRIPT === 'undefined') throw new Error('this program was built without the status page');
  return Buffer.from(renderPage(cluster, { script: PAGE_SCRIPT, style: PAGE_STYLE }));
}

/** What to do about each reason, from docs/operations.md: in an incident nobody may be able to reach anything else. */
export function operationsPage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Operating failtome</title>
<link rel="icon" href="data:,">
<style>${PAGE_STYLE}</style>
</head>
<body>
<div class="page doc">
<p><a href="./">Back to the status page</a></p>
${OPERATIONS_BODY}
</div>
</body>
</html>
`;
}

const sourceHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs or loads but what stands in the page, and no other site may frame it. */
export function pageHeaders(): Readonly<Record<string, string>> {
  return {
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
}
