/** The part of the preflight about this node's certificate: readable, of its key, valid, and one that its peers accept. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { WallMs } from '@failtome/protocol';
import { type CheckLine, fail, ok, warn } from '../adapters/preflight-fix.ts';
import { faultLines } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { AgentConfig } from '../config/types.ts';
import { type Certificate, validityOf, validityText } from '../tls/certificate.ts';
import { loadCertificate } from '../tls/certificate-load.ts';
import { isSameKey } from '../tls/verification.ts';
import { ownNames } from './trust.ts';

const NAME = 'certificate';

const RENEW =
  'Renew it (docs/certificates.md), put it in the place of the old one, and let the agent read it: systemctl reload failtome.';

/** What there is to say of the certificate of the API. */
export async function checkCertificate(
  config: AgentConfig,
  settings: Settings,
  file: string,
  now: WallMs,
): Promise<readonly CheckLine[]> {
  const loaded = await loadCertificate(config, settings);
  if (loaded.kind === 'faulty') {
    const fix = 'Make the file, or correct its path in api.tls; docs/certificates.md says how.';
    return faultLines(loaded.faults, file).map((line) => fail(NAME, line, fix));
  }
  const { certificate, warnings } = loaded;
  if (certificate === null) return [];
  return [
    validityLine(certificate, now),
    ...warnings.map((text) => warn(NAME, text, `chmod 0640 ${certificate.files.keyFile}`)),
    ...(certificate.files.caFile === null || isIdentity(certificate, config)
      ? []
      : authorityLines(certificate, config)),
  ];
}

function validityLine(certificate: Certificate, now: WallMs): CheckLine {
  const text = validityText(certificate, now);
  const until = new Date(certificate.notAfter).toISOString();
  if (text === null) return ok(NAME, `${certificate.files.certFile}, valid until ${until}`);
  return validityOf(certificate, now) === 'ends-soon' ? warn(NAME, text, RENEW) : fail(NAME, text, RENEW);
}

/** Of the key that the others have for this node: then nothing else in it matters to them. */
function isIdentity({ own }: Certificate, { node, peers }: AgentConfig): boolean {
  const entry = peers.find(({ id }) => id === node.id);
  return entry?.publicKeys.some(({ key }) => isSameKey(key, own.publicKey)) === true;
}

/** What peers with the same caFile would say of it. */
function authorityLines(
  { own, chain, authorities, files }: Certificate,
  config: AgentConfig,
): readonly CheckLine[] {
  const names = ownNames(config);
  const known = names.some(
    (name) => (isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)) !== undefined,
  );
  const lines: CheckLine[] = [];
  if (!known && names.length > 0) {
    const found = `none of its names is ${names.join(' or ')}: peers that verify by an authority refuse it`;
    const fix = `Make it anew with one of them as a subject alternative name: ${names.map(sanOf).join(', ')}.`;
    lines.push(fail(NAME, found, fix));
  }
  if (!isIssued(own, chain, authorities)) {
    const found = `no authority in ${files.caFile} has signed it: peers with the same caFile refuse it`;
    const fix =
      'Have it signed by that authority, and put intermediate certificates behind it in api.tls.certFile.';
    lines.push(fail(NAME, found, fix));
  }
  return lines;
}

function sanOf(name: string): string {
  return `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`;
}

/** Whether a chain of what is sent leads to what is trusted. */
function isIssued(
  own: X509Certificate,
  sent: readonly X509Certificate[],
  trusted: readonly X509Certificate[],
): boolean {
  let last = own;
  for (let left = sent.length; left >= 0; left -= 1) {
    if (trusted.some((one) => one.fingerprint256 === last.fingerprint256 || hasIssued(one, last)))
      return true;
    const next = sent.find((one) => one !== last && hasIssued(one, last));
    if (next === undefined) return false;
    last = next;
  }
  return false;
}

function hasIssued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
