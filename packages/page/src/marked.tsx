/** A sentence in which commands and keys stand between backticks. */
import type { VNode } from 'preact';

/** The same, with each of them as code. */
export function Marked({ text }: { readonly text: string }): VNode {
  const parts = text.split('`');
  return (
    <span>{parts.map((part, at) => (at % 2 === 0 ? part : <code key={`${at} ${part}`}>{part}</code>))}</span>
  );
}
