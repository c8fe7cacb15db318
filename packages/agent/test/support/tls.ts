/** Certificates as the agent reads them, from files that go when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Issued, writeCertificate } from '../../../../test/support/certificates.ts';
import type { ServerTls } from '../../src/http/tls-server.ts';
import { type Certificate, readCertificate } from '../../src/tls/certificate.ts';

/** A folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The certificate as an agent would have read it; `ca`: whom it trusts. */
export async function certificateOf(issued: Issued, ca?: Issued): Promise<Certificate> {
  const { certFile, keyFile, caFile = null } = writeCertificate(temporaryFolder(), 'node', issued, ca);
  const reading = await readCertificate({ certFile, keyFile, caFile });
  if (reading.kind === 'faulty') throw new Error(JSON.stringify(reading.faults));
  return reading.certificate;
}

export function serverTls(certificate: Certificate, change: Partial<ServerTls> = {}): ServerTls {
  return {
    certificate: () => certificate,
    clientAuth: 'none',
    plain: () => 'refuse',
    peerKeys: () => [],
    authorities: () => (certificate.files.caFile === null ? null : String(certificate.options.ca)),
    ...change,
  };
}
