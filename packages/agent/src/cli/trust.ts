/** By what a command knows the agents that it speaks to over TLS: the configuration's own means, or `--ca`. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { httpUrl } from '../config/http-url.ts';
import { readFileBounded } from '../config/load.ts';
import { locatedIn } from '../config/located.ts';
import type { AgentConfig, TlsSettings } from '../config/types.ts';
import { pemBlocks, readCertificate } from '../tls/certificate.ts';
import { Resumption, type Secure } from '../tls/connect.ts';
import { expectedOf } from '../tls/peers.ts';
import type { Expected } from '../tls/verification.ts';

/** How the agent at a URL is spoken to and recognised. */
export type Trust = (url: string) => Secure;

const MAX_CA_BYTES = 1_048_576;

/** The authorities that Node knows, and those of `NODE_EXTRA_CA_CERTS`. */
export function publicTrust(): Trust {
  return byName(createSecureContext({}), []);
}

/**
 * Authorities in a file, or the agent's own certificate, which needs no name to be recognised.
 *
 * @throws Error where the file can't be read or holds no certificate
 */
export async function trustInFile(path: string): Promise<Trust> {
  const pem = await readText(path);
  return byName(createSecureContext({ ca: pem }), keysIn(pem));
}

/** What the agent of this configuration would trust; and that agent itself by the certificate in its file. */
export async function trustOfConfig(config: AgentConfig): Promise<Trust> {
  const { tls } = config.api;
  if (tls === null) return publicTrust();
  const context = await contextOf(tls);
  const own = await readText(tls.certFile).then(keysIn, () => []);
  const unknown = byName(context, []);
  return (url) => {
    const { origin } = httpUrl(url);
    const peer = locatedIn(config.peers).find(
      (one) => one.id !== config.node.id && httpUrl(one.url).origin === origin,
    );
    if (peer !== undefined) return secure(context, expectedOf(peer, tls.caFile));
    if (origin !== ownOrigin(config)) return unknown(url);
    return secure(context, { names: ownNames(config), publicKeys: own, authorities: tls.caFile !== null });
  };
}

/** Where a command of this machine finds the agent. */
export function ownOrigin({ api: { listen, tls } }: Pick<AgentConfig, 'api'>): string {
  const unspecified = ['0.0.0.0', '::'].includes(listen.host);
  const loopback = listen.host.includes(':') ? '::1' : '127.0.0.1';
  const host = unspecified ? loopback : listen.host;
  return `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
}

/** What peers that verify by an authority look for in this node's certificate. */
export function ownNames({ node, peers, api: { advertise } }: AgentConfig): readonly string[] {
  const urls = [...peers.filter(({ id }) => id === node.id).map(({ url }) => url), advertise];
  const hosts = urls.flatMap((url) => (url === null ? [] : [httpUrl(url).host]));
  return [...new Set([...hosts, ...(node.id === null ? [] : [node.id])])];
}

/** With the node's certificate, for agents that want one, where this user may read its key. */
async function contextOf(tls: TlsSettings): Promise<SecureContext> {
  const reading = await readCertificate(tls);
  if (reading.kind === 'read') return reading.certificate.context;
  const ca = tls.caFile === null ? null : await readText(tls.caFile).catch(() => null);
  try {
    return createSecureContext(ca === null ? {} : { ca });
  } catch {
    return createSecureContext({ ca: [] }); // nobody is vouched for; `failtome check` says what is wrong with the file
  }
}

function byName(context: SecureContext, publicKeys: readonly KeyObject[]): Trust {
  return (url) => secure(context, { names: [httpUrl(url).host], publicKeys, authorities: true });
}

function secure(context: SecureContext, expected: Expected): Secure {
  return { context, expected, resumption: new Resumption() };
}

async function readText(path: string): Promise<string> {
  return Buffer.from(await readFileBounded(path, MAX_CA_BYTES)).toString('utf8');
}

function keysIn(pem: string): readonly KeyObject[] {
  const blocks = pemBlocks(pem);
  if (blocks.length === 0) throw new Error('it holds no PEM certificate');
  return blocks.map((block) => new X509Certificate(block).publicKey);
}
