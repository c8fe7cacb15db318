/** What a node's status shows of its store, and what `failtome status` says of it. */
import { fieldsOf, listOf, textOf } from './fields.ts';

/** How another voter is reached. */
interface ReachedRow {
  readonly peer: string;
  readonly state: string;
}

/** A store, as a status shows it. */
export interface StoreRow {
  readonly kind: string;
  /** Empty: nothing that is known. */
  readonly failing: string;
  readonly peers: readonly ReachedRow[];
}

/** Null: there is none, or none is told of. */
export function storeOf(json: unknown): StoreRow | null {
  const store = fieldsOf(json);
  const kind = textOf(store.kind);
  if (kind === '') return null;
  const peers = listOf(store.peers).map((each) => {
    const one = fieldsOf(each);
    return { peer: textOf(one.peer), state: textOf(one.state) };
  });
  return { kind, failing: textOf(store.failing), peers };
}

/** A sentence for whatever isn't as it should be. */
export function storeTexts({ kind, failing, peers }: StoreRow): readonly string[] {
  const reached = peers.flatMap(({ peer, state }) => {
    if (state === 'relaying')
      return [`${peer} doesn't answer directly: messages go through the store (${kind})`];
    return state === 'unanswered' ? [`${peer} answers neither directly nor through the store (${kind})`] : [];
  });
  return [...(failing === '' ? [] : [`The store (${kind}) fails: ${failing}`]), ...reached];
}
