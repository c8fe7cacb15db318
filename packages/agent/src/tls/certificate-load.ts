/** The certificate of a configuration: its faults in the words and with the lines of the configuration's own. */
import { stat } from 'node:fs/promises';
import { exposureOf } from '../auth/secret-file.ts';
import type { Fault } from '../config/fault.ts';
import * as keys from '../config/file-keys.ts';
import { originOf, type Settings } from '../config/settings.ts';
import type { AgentConfig } from '../config/types.ts';
import {
  type Certificate,
  type CertificateFault,
  type CertificateKey,
  readCertificate,
} from './certificate.ts';

/** The certificate of a configuration, or what is wrong with its files. */
export type CertificateLoad =
  /** Null: the API speaks plain HTTP. */
  | {
      readonly kind: 'loaded';
      readonly certificate: Certificate | null;
      readonly settings: Settings | null;
      /** What an operator should mend, though it doesn't stop the agent. */
      readonly warnings: readonly string[];
    }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[] };

const KEYS = {
  certFile: keys.TLS_CERT_FILE,
  keyFile: keys.TLS_KEY_FILE,
  caFile: keys.TLS_CA_FILE,
} satisfies Record<CertificateKey, keys.Key<string>>;

/** @param settings where each path stands in the file; null: it isn't known */
export async function loadCertificate(
  { api: { tls } }: Pick<AgentConfig, 'api'>,
  settings: Settings | null,
): Promise<CertificateLoad> {
  if (tls === null) return { kind: 'loaded', certificate: null, settings, warnings: [] };
  const { certFile, keyFile, caFile } = tls;
  const reading = await readCertificate({ certFile, keyFile, caFile });
  if (reading.kind === 'read') {
    const exposed = exposureOf(keyFile, 'key file', (await stat(keyFile)).mode);
    const warnings = exposed === null ? [] : [`api.tls.keyFile: ${exposed}`];
    return { kind: 'loaded', certificate: reading.certificate, settings, warnings };
  }
  return { kind: 'faulty', faults: reading.faults.map((fault) => located(fault, settings)) };
}

function located({ key, found, expected, hint }: CertificateFault, settings: Settings | null): Fault {
  const origin = settings === null ? null : originOf(settings, KEYS[key]);
  return { path: KEYS[key].path, found, expected, hint, origin };
}

/** Of a certificate that is not valid at this moment. */
export function invalidFault(certificate: Certificate, settings: Settings | null): Fault {
  const { certFile } = certificate.files;
  const from = new Date(certificate.notBefore).toISOString();
  const to = new Date(certificate.notAfter).toISOString();
  const found = `${certFile}, which is valid from ${from} to ${to}`;
  return located({ key: 'certFile', found, expected: 'a certificate that is valid now', hint: '' }, settings);
}
