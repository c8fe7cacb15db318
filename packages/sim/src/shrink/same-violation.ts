/**
 * When two violations are the same one: the same invariant, shown by the same kind of evidence. The kind is what the
 * evidence says before its first colon, without names, addresses and numbers; of something thrown, its first line.
 */
import type { Plan } from '../plan/index.ts';
import type { Violation } from '../world/index.ts';

/** What identifies a violation, whatever the names and the moments. `plan`: whose nodes it may name. */
export function kindOf({ invariant, detail }: Violation, plan: Plan): string {
  const [firstLine = ''] = detail.split('\n');
  const thrown = invariant === 'exception' || invariant === 'host';
  const evidence = thrown ? firstLine : (firstLine.split(':')[0] ?? '');
  const ids = plan.world.nodes.map(({ id }) => id.replaceAll(/[.\\+*?[^\]$(){}=!<>|:#-]/g, '\\$&'));
  const names = new RegExp(`(?<![\\w-])(?:${ids.join('|')})(?:#\\d+)?(?![\\w-])`, 'g');
  const plain = evidence
    .replaceAll(/\d+\.\d+\.\d+\.\d+/g, 'ADDRESS')
    .replaceAll(names, 'NODE')
    .replaceAll(/-?\d+(?:\.\d+)?/g, 'N')
    .replaceAll(/NODE(?:, NODE)+/g, 'NODE')
    .replaceAll(/ADDRESS(?:, ADDRESS)+/g, 'ADDRESS');
  return `${invariant}: ${plain}`;
}
