/**
 * Operators' signatures, as a world knows them: what an operator has really signed, and nothing else, is proven. No node
 * can sign for one, whatever it says.
 */
import {
  type Command,
  HANDOVER_LASTS_MS,
  handoverTerms,
  type IsProven,
  orderText,
  pauseTerms,
  resumeTerms,
  type Signable,
  type StatusView,
  type WallMs,
} from '@failtome/protocol';

/** What operators have signed. */
export interface Signatures {
  readonly isProven: IsProven;
  /** The command with the signature of an operator who was shown this status; null: there is nothing to order. */
  signed(command: Command, shown: StatusView, wall: WallMs): Command | null;
}

/** @param onSigned is told of each text that an operator signs */
export function createSignatures(onSigned: (text: string) => void): Signatures {
  const texts = new Map<string, string>();

  function sign(cluster: string, signable: Signable): string {
    const proof = `operator:${texts.size + 1}`;
    const text = orderText(cluster, signable);
    texts.set(proof, text);
    onSigned(text);
    return proof;
  }

  function signed(command: Command, status: StatusView, wall: WallMs): Command | null {
    const { cluster } = status;
    const shown = { ...status, node: status.node.id };
    switch (command.kind) {
      case 'pause':
      case 'resume': {
        const { owner, reason } = command;
        const order =
          command.kind === 'resume'
            ? resumeTerms(shown, command, wall)
            : pauseTerms(
                shown,
                { owner, reason, forMs: command.forMs, replace: command.replace === true },
                wall,
              );
        if (order === null) return null;
        return { ...command, order: { ...order, proof: sign(cluster, { kind: 'pause', order }) } };
      }
      case 'handover': {
        const wish = { ...command, id: `o-${texts.size + 1}`, forMs: command.forMs ?? HANDOVER_LASTS_MS };
        const terms = handoverTerms(shown, wish, wall);
        if (terms.kind === 'refused') return command;
        const { order } = terms;
        return { ...command, order: { ...order, proof: sign(cluster, { kind: 'handover', order }) } };
      }
      case 'handover-cancel':
        return { ...command, proof: sign(cluster, { kind: 'withdrawal', order: command }) };
      case 'handover-status':
        return command;
    }
  }

  return { isProven: (text, proof) => texts.get(proof) === text, signed };
}
