/** A configuration without a fault, changed in one place, and the lines that tell what is wrong with it. */
import { checkConfig, faultLines, warningLines } from '../../src/config/load.ts';

/** Eight lines; what a test adds begins on line 9. */
export const GOOD = `cluster: web
node: { id: saturn }
peers:
  - { id: neptune, url: "http://10.0.1.11:8741" }
auth: { keyFile: /etc/failtome/cluster.key }
addresses:
  - { ip: 54.173.141.243 }
driver: { kind: ec2 }
`;

/** One line a fault; none where the file has none. */
export function linesOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  const result = checkConfig('f.yaml', Buffer.from(yaml), environment);
  return result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
}

/** One line a warning. */
export function warningsOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  return warningLines(checkConfig('f.yaml', Buffer.from(yaml), environment).warnings);
}

/** The good file with one section replaced, or added at its end (line 9). */
export function withSection(section: string): string {
  const name = section.slice(0, section.indexOf(':'));
  const kept = GOOD.split(/\n(?=\S)/).filter((part) => !part.startsWith(`${name}:`));
  return `${kept.join('\n').trimEnd()}\n${section}\n`;
}
