import { createHash } from 'node:crypto';
import type { RecordedRun } from '../record/records.ts';
import { BODY } from './page.ts';
import { STYLE } from './style.ts';
import type { WhyPart } from './why-part.ts';

/** The bundled script of `client/`, set by the build. */
declare const REPORT_CLIENT: string;

/**
 * A run as one HTML document that opens from disk and loads nothing; with what is known of its outage, where that was asked.
 *
 * @throws Error in a program that was built without the report's script
 */
export function renderReport(trace: RecordedRun, why: WhyPart | null = null): string {
  if (typeof REPORT_CLIENT === 'undefined') throw new Error('this program was built without the report');
  const script = REPORT_CLIENT;
  const policy = [
    "default-src 'none'",
    `script-src ${sourceHash(script)}`,
    `style-src ${sourceHash(STYLE)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(trace.header.title)}: failtome</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>${BODY}<script type="application/json" id="trace">${embedded(trace)}</script>
<script type="application/json" id="why-part">${embedded(why)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function sourceHash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** JSON in which nothing can end the element that it stands in. */
function embedded(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
