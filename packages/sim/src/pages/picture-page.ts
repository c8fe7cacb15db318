/** A page with pictures and tables as one HTML file, and how it looks. */
import { escaped } from './escaped.ts';

/** The whole document. It loads nothing. */
export function picturePage({
  heading,
  style,
  body,
}: {
  /** As text; the title of the window is made from it. */
  readonly heading: string;
  /** What this page has beside what every one has: its colours and its width among them. */
  readonly style: string;
  /** HTML, which comes after the heading. */
  readonly body: string;
}): string {
  const title = `failtome: ${heading.slice(0, 1).toLowerCase()}${heading.slice(1)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title><style>${STYLE}${style}</style></head><body>
<h1>${escaped(heading)}</h1>
${body}
</body></html>
`;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --faint: #59616a; --line: #d5dae0; --back: #fff; --accent: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --faint: #a7afb7; --line: #3a4149; --back: #14171a; --accent: #7db7f5; } }
body { margin: 1.5rem auto; padding: 0 1rem; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
pre { overflow: auto; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .3rem; }
figure { margin: 0; } figcaption, p { color: var(--faint); } svg { width: 100%; height: auto; } svg text { fill: var(--ink); font-size: 12px; }
.grid { stroke: var(--line); } .wide { overflow-x: auto; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
`;
