/** The document that a node of another cluster would have left, had it been in this one's place. */
import { type DurableDocument, decodeDocument, encodeDocument } from '@failtome/protocol';
import { ELSEWHERE } from '../invariants/index.ts';

/** Made of the node's own document, so that names and addresses fit; null where there is none. */
export function foreignDocument(text: string | null): string | null {
  const decoded = text === null ? null : decodeDocument(text);
  if (decoded?.kind !== 'document') return null;
  const { document } = decoded;
  const foreign: DurableDocument = {
    ...document,
    cluster: ELSEWHERE,
    pause: {
      version: document.pause.version + 1_000,
      by: document.node,
      paused: true,
      owner: ELSEWHERE,
      reason: 'work on another cluster',
      until: null,
    },
    outbox: document.addresses.map(({ ip }) => ({
      id: `${ELSEWHERE}-${ip}`,
      subject: 'HAProxy failover notification',
      message: `Instance i-${ELSEWHERE} took over ${ip}`,
    })),
    serial: document.serial + 1,
  };
  return encodeDocument(foreign);
}
