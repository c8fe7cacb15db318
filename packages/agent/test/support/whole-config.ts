/** A configuration with no more than it needs, one with every key, and what is read from them. */
import { checkConfig } from '../../src/config/load.ts';
import type { AgentConfig } from '../../src/config/types.ts';

/** Public keys, by whose they are. */
export const [SATURNS, NEPTUNES, ANNS, PLUTOS] = [
  'MCowBQYDK2VwAyEAiojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=',
  'MCowBQYDK2VwAyEAgTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=',
  'MCowBQYDK2VwAyEA7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=',
  'MCowBQYDK2VwAyEAypOsFwUYcHHWewNz+eEbr9LaXUEqMnyHJLcBlrTrZhY=',
];

/** Only what is required. */
export const MINIMAL = `cluster: web
peers: [{ id: neptune, url: "http://10.0.1.11:8741" }]
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: ec2 }
`;

/** What has every key. */
export const FULL = `cluster: web
node: { id: saturn, role: candidate, priority: 200 }
api:
  listen: "[::]:9000"
  advertise: "http://10.0.1.12:9000/"
  hosts: [saturn.example, 10.0.1.12]
  read: token
  readTokenFile: /etc/failtome/tokens
  observe: 127.0.0.1:9741
  tls: { certFile: /c, keyFile: /k, caFile: /a, clientAuth: required, plain: accept, observe: plain }
peers:
  from: { ec2Tag: failtome-web, port: 9000, scheme: https }
  nodes:
  - { id: saturn, url: "http://10.0.1.12:9000" }
  - { id: neptune, url: "http://10.0.1.11:8741", role: candidate, priority: 50, publicKey: ["${NEPTUNES}", "${SATURNS}"] }
  - { id: pluto, role: witness, publicKey: "${PLUTOS}" }
auth:
  keyFile: /etc/failtome/cluster.key
  identity: /etc/failtome/saturn.key
  operators: [{ name: ann, publicKey: "${ANNS}" }]
addresses:
  - ip: 54.173.141.243
    allocationId: eipalloc-0abc
    privateIp: 10.0.1.12
    home: neptune
    probe: { scheme: https, host: www.example.org, path: /up?x=1, interval: 2s, fastInterval: 250ms, timeout: 500ms, fall: 4, rise: 1, expect: "200,301-302" }
local: { fall: 3, socket: /run/haproxy/admin.sock, command: [/usr/local/bin/fit], need: any }
gossip: { interval: 200ms, timeout: 150ms, dead: 1s, fanout: 2 }
agreement: { silentPeer: hold, lease: 20s }
guard: { urls: ["https://a.example/ip", "http://b.example"], timeout: 1s, allowPrivate: true }
driver: { kind: exec, command: [/usr/local/bin/move-ip, --fast], displace: allow }
store: { kind: etcd, endpoints: ["https://10.0.3.1:2379", "https://10.0.3.2:2379"], prefix: /x/, caFile: /e.ca, certFile: /e.crt, keyFile: /e.key, user: failtome, passwordFile: /e.pw }
notify:
  sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:failover" }
  webhook: { name: ops, urlFile: /u, keyFile: /h, timeout: 2s }
  exec: { command: [/usr/local/bin/tell] }
  events: { sns: [taken], exec: [lost, paused] }
  blockedAfter: 2m
holdDown: 0s
flap: { moves: 2, within: 1h }
failback: { after: 20m, window: 02:00-05:00 UTC }
handover: { on: [] }
stateDir: /srv/failtome
recorder: { keep: 90m, size: 2GB }
log: { level: debug }
`;

/** A configuration that loads, with its settings and warnings. */
export function loaded(yaml: string, environment: Record<string, string> = {}) {
  const result = checkConfig('f.yaml', Buffer.from(yaml), environment);
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result;
}

/** What the agent reads in it. */
export const configOf = (yaml: string, environment: Record<string, string> = {}): AgentConfig =>
  loaded(yaml, environment).config;
