/** Values that are legal, and that an operator may regret. They are told, and refuse nothing. */

import { isIPv4 } from 'node:net';
import { isAbsolute } from 'node:path';
import { formatDuration } from '@failtome/config';
import { callTimeoutMs, counted } from '@failtome/protocol';
import { isForeignDriverKey, isOnAws } from './driver-kinds.ts';
import type { Warning } from './fault.ts';
import * as keys from './file-keys.ts';
import { isPublic } from './public-address.ts';
import { identityWarnings } from './public-key-rules.ts';
import { get, originOf, type Settings } from './settings.ts';
import { tlsWarnings } from './tls-rules.ts';
import { toProtocolConfig } from './to-protocol.ts';
import type { AgentConfig } from './types.ts';
import { isReadOnTheWay, READ_ON_THE_WAY } from './webhook-rules.ts';

const RELATIVE = 'is relative, and so depends on the directory that the agent is started in';

/** What in a configuration works, and is a risk. */
export function riskWarnings(config: AgentConfig, settings: Settings): readonly Warning[] {
  return [
    ...electorateWarnings(config, settings),
    ...entryWarnings(config, settings),
    ...identityWarnings(config),
    ...checkWarnings(config),
    ...leaseWarnings(config),
    ...driverWarnings(config, settings),
    ...tlsWarnings(config),
    ...storeWarnings(config.store),
    ...fileWarnings(config),
  ];
}

function when(risky: boolean, path: string, text: string): readonly Warning[] {
  return risky ? [{ path, text }] : [];
}

function electorateWarnings(config: AgentConfig, settings: Settings): readonly Warning[] {
  const { arbiter, silentPeer } = config.agreement;
  const isGiven = originOf(settings, keys.AGREEMENT_SILENT_PEER, 0).kind !== 'default';
  const others = config.peers.filter((peer) => peer.id !== config.node.id && peer.role !== 'member').length;
  const voters = others + (config.node.role === 'member' ? 0 : 1);
  const even = voters > 2 && voters % 2 === 0;
  const majority = Math.floor(voters / 2) + 1;
  return [
    ...when(
      even,
      'peers',
      `${counted(voters, 'voter')} stand the loss of ${voters - majority}, no more than ${voters - 1} would; an odd number is better`,
    ),
    ...when(
      arbiter && isGiven,
      'agreement.silentPeer',
      `${silentPeer} means nothing beside agreement.arbiter: with three voters no silence counts`,
    ),
    ...when(
      voters === 2 && silentPeer === 'hold' && !arbiter,
      'agreement.silentPeer',
      'hold: of two voters, the loss of one stops every automatic takeover; a witness would not',
    ),
  ];
}

/** This node's own entry in `peers` is ignored, so what it says differently has no effect here. */
function entryWarnings(config: AgentConfig, settings: Settings): readonly Warning[] {
  const index = config.peers.findIndex((peer) => peer.id === config.node.id);
  const own = config.peers[index];
  if (own === undefined) return [];
  const given = originOf(settings, keys.PEER_PRIORITY, index).kind !== 'default';
  const { advertise } = config.api;
  return [
    ...when(
      given && own.priority !== config.node.priority,
      `peers[${index}].priority`,
      `${own.priority} is ignored for this node itself; node.priority, which counts, is ${config.node.priority}`,
    ),
    ...when(
      advertise !== null && own.url !== null && advertise !== own.url,
      `peers[${index}].url`,
      `${own.url} is not this node's own api.advertise, ${advertise}; the other nodes use the former`,
    ),
  ];
}

function checkWarnings(config: AgentConfig): readonly Warning[] {
  const probes = config.addresses.flatMap(({ probe }, index) => {
    const at = `addresses[${index}].probe`;
    const odd =
      (probe.scheme === 'https' && probe.port === 80) || (probe.scheme === 'http' && probe.port === 443);
    return [
      ...when(
        probe.fall === 1,
        `${at}.fall`,
        '1: a single failed probe is a verdict; 2 or more ride out a hiccup',
      ),
      ...when(odd, `${at}.port`, `${probe.port} is an unusual port for ${probe.scheme}`),
    ];
  });
  const noLocal = config.node.role === 'candidate' && config.local === null;
  return [
    ...probes,
    ...when(noLocal, 'local', 'absent: this node counts as fit to serve whatever its own HAProxy does'),
  ];
}

function leaseWarnings(config: AgentConfig): readonly Warning[] {
  const { leaseMs } = config.agreement;
  const identity = { id: config.node.id ?? '', instanceId: '', region: null };
  const callMs = callTimeoutMs(toProtocolConfig(config, identity, ''));
  const tight = config.guard.timeoutMs + 3 * callMs > leaseMs;
  return [
    ...when(
      tight && config.node.role === 'candidate',
      'agreement.lease',
      `${formatDuration(leaseMs)} is short: a guard that takes its whole ${formatDuration(config.guard.timeoutMs)} ` +
        `leaves no time for a read and two calls of up to ${formatDuration(Math.round(callMs))}, and the takeover is put off`,
    ),
    ...homeWarnings(config),
    ...when(config.holdDownMs === 0, 'holdDown', '0s: an address may move again at once'),
  ];
}

function homeWarnings({ failback, addresses, auth }: AgentConfig): readonly Warning[] {
  if (failback === null) return [];
  return [
    ...when(
      addresses.every(({ home }) => home === null),
      'failback',
      'no address has a home: nothing goes anywhere',
    ),
    ...when(
      auth.operators.length > 0,
      'failback',
      'only operators give orders here (auth.operators): no address goes home by itself',
    ),
  ];
}

function driverWarnings(config: AgentConfig, settings: Settings): readonly Warning[] {
  const { driver, addresses, notify } = config;
  if (driver === null) return [];
  const awsId = driver.kind === 'opsworks' && driver.instanceId?.startsWith('i-') === true;
  const isElastic = !isForeignDriverKey(driver.kind, keys.ADDRESS_PRIVATE_IP.path);
  const movesWhat = driver.kind === 'ec2-route' ? 'addresses within a VPC' : 'addresses of a subnet';
  const shared = addresses.filter((address) => address.privateIp === null).length;
  const ignored =
    isForeignDriverKey(driver.kind, keys.DRIVER_INSTANCE_ID.path) &&
    get(settings, keys.DRIVER_INSTANCE_ID) !== null;
  const program = driver.kind === 'exec' ? (driver.command[0] ?? '') : '/';
  return [
    ...when(
      driver.kind === 'opsworks',
      'driver.kind',
      'opsworks: AWS ended OpsWorks Stacks on 2024-05-26, and its one call to move an address cannot be made conditional',
    ),
    ...when(awsId, 'driver.instanceId', "begins like an EC2 instance id; OpsWorks's own is a UUID"),
    ...when(
      ignored,
      'driver.instanceId',
      `FAILTOME_INSTANCE_ID is ignored, because driver.kind is ${driver.kind}`,
    ),
    ...when(
      !isAbsolute(program),
      'driver.command',
      program.includes('/')
        ? `${program} is relative, and so depends on the directory that the agent is started in`
        : `${program} is looked up in PATH, which a service has another of than a shell`,
    ),
    ...when(
      driver.displace === 'allow',
      'driver.displace',
      'allow: taking an address may throw another Elastic IP off this node',
    ),
    ...when(
      isOnAws(driver) && isElastic && shared > 1,
      'addresses',
      `${shared} have no privateIp, so one node can hold only one of them at a time`,
    ),
    ...addresses.flatMap(({ ip }, index) =>
      when(
        // An interface's IPv6 address is of its subnet, and public all the same.
        !isElastic && isIPv4(ip) && isPublic(ip),
        `addresses[${index}].ip`,
        `${ip} is a public address, and driver.kind ${driver.kind} is for ${movesWhat}`,
      ),
    ),
    ...notifyWarnings(notify),
  ];
}

function notifyWarnings({ sns, webhooks, exec }: AgentConfig['notify']): readonly Warning[] {
  const nobody = sns === null && webhooks.length === 0 && exec === null;
  const program = exec?.command[0] ?? '/';
  return [
    ...when(nobody, 'notify.sns', 'absent: a failover tells nobody but the log'),
    ...webhooks.flatMap(({ url, urlFile, keyFile }, index) => [
      ...when(url !== null && isReadOnTheWay(url), `notify.webhook[${index}].url`, READ_ON_THE_WAY),
      ...when(!isAbsolute(urlFile ?? '/'), `notify.webhook[${index}].urlFile`, RELATIVE),
      ...when(!isAbsolute(keyFile ?? '/'), `notify.webhook[${index}].keyFile`, RELATIVE),
    ]),
    ...when(
      !isAbsolute(program),
      'notify.exec.command',
      program.includes('/')
        ? `${program} ${RELATIVE}`
        : `${program} is looked up in PATH, which a service has another of than a shell`,
    ),
  ];
}

function storeWarnings(store: AgentConfig['store']): readonly Warning[] {
  if (store?.kind !== 'etcd') return [];
  const { login, endpoints } = store;
  const exposed = 'http: whoever is on the way can read the password of store.user';
  return [
    ...endpoints.flatMap((url, index) =>
      when(login !== null && isReadOnTheWay(url), `store.endpoints[${index}]`, exposed),
    ),
    ...(['caFile', 'certFile', 'keyFile'] as const).flatMap((key) =>
      when(!isAbsolute(store[key] ?? '/'), `store.${key}`, RELATIVE),
    ),
    ...when(!isAbsolute(login?.passwordFile ?? '/'), 'store.passwordFile', RELATIVE),
  ];
}

function fileWarnings(config: AgentConfig): readonly Warning[] {
  return [
    ...when(!isAbsolute(config.auth.keyFile), 'auth.keyFile', RELATIVE),
    ...when(!isAbsolute(config.auth.identity ?? '/'), 'auth.identity', RELATIVE),
    ...when(!isAbsolute(config.stateDir), 'stateDir', RELATIVE),
    ...(['certFile', 'keyFile', 'caFile'] as const).flatMap((key) =>
      when(!isAbsolute(config.api.tls?.[key] ?? '/'), `api.tls.${key}`, RELATIVE),
    ),
    ...when(
      /^\/(var\/)?tmp(\/|$)|^\/(dev\/shm|run)(\/|$)/.test(config.stateDir),
      'stateDir',
      'may not survive a restart of the machine, and holds what this node has promised',
    ),
    ...when(
      config.api.listen.port === 0,
      'api.listen',
      'port 0: the system chooses a port that the peers cannot know',
    ),
  ];
}
