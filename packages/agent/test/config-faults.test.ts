import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_FILE_BYTES } from '@failtome/config';
import { describe, expect, test } from 'vitest';
import { checkConfig, faultLines, loadConfig, warningLines } from '../src/config/load.ts';

const GOOD = `cluster: web
node: { id: saturn }
peers:
  - { id: neptune, url: "http://10.0.1.11:8741" }
auth: { keyFile: /etc/failtome/cluster.key }
addresses:
  - { ip: 54.173.141.243 }
driver: { kind: ec2 }
`;

function linesOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  const result = checkConfig('f.yaml', Buffer.from(yaml), environment);
  return result.kind === 'faulty' ? faultLines(result.faults, 'f.yaml') : [];
}

function warningsOf(yaml: string, environment: Record<string, string> = {}): readonly string[] {
  return warningLines(checkConfig('f.yaml', Buffer.from(yaml), environment).warnings);
}

/** The good file with one section replaced, or added at its end (line 9). */
function withSection(section: string): string {
  const name = section.slice(0, section.indexOf(':'));
  const kept = GOOD.split(/\n(?=\S)/).filter((part) => !part.startsWith(`${name}:`));
  return `${kept.join('\n').trimEnd()}\n${section}\n`;
}

test('the file that the faulty ones are made from has no fault', () => {
  expect(linesOf(GOOD)).toEqual([]);
});

test('who may read has to be said in one way', () => {
  expect(linesOf(withSection('api: { read: token }'))).toEqual([
    'api.readTokenFile: found nothing, expected a file of tokens, because api.read is token',
  ]);
  expect(linesOf(withSection('api: { read: peers, readTokenFile: /t }'))).toEqual([
    expect.stringMatching(/^api\.readTokenFile: found a file, expected none, because api\.read is peers/),
  ]);
  for (const observe of ['0.0.0.0:8741', '10.0.1.12:8741'])
    expect(linesOf(withSection(`api: { observe: "${observe}" }`))).toEqual([
      expect.stringMatching(/^api\.observe: found 8741, expected another port than api\.listen's/),
    ]);
  expect(linesOf(withSection('api: { listen: "10.0.1.12:8741", observe: "127.0.0.1:8741" }'))).toEqual([]);
  expect(linesOf(withSection('api: { observe: "127.0.0.1:9741", hosts: [saturn.example] }'))).toEqual([]);
  expect(linesOf(withSection('api: { observe: "54.173.141.243:9741" }'))).toHaveLength(1);
  expect(linesOf(withSection('api: { hosts: ["http://saturn"] }'))).toHaveLength(1);
});

const singleFaults: readonly (readonly [section: string, line: string])[] = [
  [
    'gossip: { intervall: 1s }',
    'gossip.intervall: found an unknown key, expected one of interval, dead, timeout and fanout; did you mean interval? (f.yaml:9)',
  ],
  [
    'agreement: { silent_peer: hold }',
    'agreement.silent_peer: found an unknown key, expected one of silentPeer, arbiter and lease; did you mean silentPeer? (f.yaml:9)',
  ],
  [
    'agreement: { holdDown: 60s }',
    'agreement.holdDown: found an unknown key, expected one of silentPeer, arbiter and lease; did you mean holdDown? (f.yaml:9)',
  ],
  [
    'log: { level: INFO }',
    'log.level: found "INFO", expected debug, info, warn or error; did you mean info? (f.yaml:9)',
  ],
  [
    'agreement: { silentPeer: maybe }',
    'agreement.silentPeer: found "maybe", expected takeover or hold (f.yaml:9)',
  ],
  [
    'holdDown: 60',
    duration('holdDown', '60 (a number without a unit)', '0s', '24h', 'write 60s for seconds or 60ms'),
  ],
  ['holdDown: "60"', duration('holdDown', '"60"', '0s', '24h', 'write 60s for seconds or 60ms')],
  ['holdDown: 1.5s', duration('holdDown', '"1.5s"', '0s', '24h', 'write 1500ms')],
  ['holdDown: 1m30s', duration('holdDown', '"1m30s"', '0s', '24h', 'write 90s')],
  ['holdDown: 5 minutes', duration('holdDown', '"5 minutes"', '0s', '24h', 'write 5m')],
  ['holdDown: 2S', duration('holdDown', '"2S"', '0s', '24h', 'write 2s')],
  ['holdDown: soon', duration('holdDown', '"soon"', '0s', '24h', '')],
  ['holdDown: -5s', duration('holdDown', '"-5s"', '0s', '24h', '')],
  ['holdDown: true', duration('holdDown', 'true', '0s', '24h', '')],
  ['holdDown: [60s]', duration('holdDown', 'a list', '0s', '24h', '')],
  ['holdDown: { for: 60s }', duration('holdDown', 'a map', '0s', '24h', '')],
  ['holdDown: 1000h', duration('holdDown', '"1000h"', '0s', '24h', '')],
  [
    'agreement: { lease: 1s }',
    duration(
      'agreement.lease',
      '"1s"',
      '2s',
      '5m',
      'it has to outlast the guard, a read and the calls of the move, which get a quarter of it each and 500ms at least',
    ),
  ],
  ['guard: { timeout: 0s }', duration('guard.timeout', '"0s"', '50ms', '30s', '')],
  [
    'gossip: { interval: 2s, dead: 3s }',
    'gossip.dead: found 3s, expected at least 2 × gossip.interval + gossip.timeout (2 × 2s + 250ms = 4250ms); a single lost heartbeat would count as death (f.yaml:9)',
  ],
  [
    'gossip: { timeout: 3s }',
    'gossip.timeout: found 3s, expected less than gossip.dead (2s); a peer would be dead before it could have answered (f.yaml:9)',
  ],
  ['gossip: { fanout: 0 }', 'gossip.fanout: found 0, expected a whole number from 1 to 16 (f.yaml:9)'],
  ['gossip: { fanout: 1.5 }', 'gossip.fanout: found 1.5, expected a whole number from 1 to 16 (f.yaml:9)'],
  [
    'gossip: { fanout: "3" }',
    'gossip.fanout: found "3" (text), expected a whole number from 1 to 16; write it without quotation marks (f.yaml:9)',
  ],
  [
    'gossip: 500ms',
    'gossip: found "500ms", expected a map with one of interval, dead, timeout and fanout (f.yaml:9)',
  ],
  ['flap: { moves: 0 }', 'flap.moves: found 0, expected a whole number from 1 to 1000 (f.yaml:9)'],
  [
    'cluster: 42',
    'cluster: found 42 (a number), expected a name of 1 to 64 letters, digits, dots, hyphens and underscores; put it in quotation marks (f.yaml:8)',
  ],
  [
    'cluster: two words',
    'cluster: found "two words", expected a name of 1 to 64 letters, digits, dots, hyphens and underscores (f.yaml:8)',
  ],
  [
    'node: { id: saturn, role: standby }',
    'node.role: found "standby", expected candidate, witness or member (f.yaml:8)',
  ],
  [
    'node: { id: saturn, priority: -1 }',
    'node.priority: found -1, expected a whole number from 0 to 1000000 (f.yaml:8)',
  ],
  [
    'api: { listen: 8741 }',
    'api.listen: found 8741, expected host:port, such as 0.0.0.0:8741 or [::]:8741; write "0.0.0.0:8741" for every interface (f.yaml:9)',
  ],
  [
    'api: { listen: ":8741" }',
    'api.listen: found ":8741", expected host:port, such as 0.0.0.0:8741 or [::]:8741; write "0.0.0.0:8741" for every interface (f.yaml:9)',
  ],
  [
    'api: { listen: "10.0.1.12" }',
    'api.listen: found "10.0.1.12", expected host:port, such as 0.0.0.0:8741 or [::]:8741; add the port, such as 10.0.1.12:8741 (f.yaml:9)',
  ],
  [
    'api: { listen: "0.0.0.0:99999" }',
    'api.listen: found "0.0.0.0:99999", expected host:port, such as 0.0.0.0:8741 or [::]:8741 (f.yaml:9)',
  ],
  [
    'api: { listen: "http://0.0.0.0:8741" }',
    'api.listen: found "http://0.0.0.0:8741", expected host:port, such as 0.0.0.0:8741 or [::]:8741; leave out the scheme (f.yaml:9)',
  ],
  [
    'api: { advertise: "http://0.0.0.0:8741" }',
    baseUrl('api.advertise', '"http://0.0.0.0:8741"', '0.0.0.0 is where to listen, not where to be reached'),
  ],
  [
    'api: { advertise: "http://[::]:8741" }',
    baseUrl('api.advertise', '"http://[::]:8741"', ':: is where to listen, not where to be reached'),
  ],
  [
    'api: { advertise: "10.0.1.12:8741" }',
    baseUrl('api.advertise', '"10.0.1.12:8741"', 'did you mean http://10.0.1.12:8741?'),
  ],
  [
    'api: { advertise: "http://10.0.1.12:8741/v1" }',
    baseUrl('api.advertise', '"http://10.0.1.12:8741/v1"', 'leave out everything after the port'),
  ],
  [
    'api: { advertise: "ftp://10.0.1.12" }',
    baseUrl('api.advertise', '"ftp://10.0.1.12"', 'ftp is not spoken'),
  ],
  [
    'api: { advertise: "http://admin:hunter2@10.0.1.12:8741" }',
    baseUrl('api.advertise', '"http://…@10.0.1.12:8741"', 'leave out the user and password'),
  ],
  [
    'guard: { urls: "http://checkip.amazonaws.com" }',
    'guard.urls: found "http://checkip.amazonaws.com", expected a list of 1 to 8, each an http or https URL; put it in brackets: [ … ] (f.yaml:9)',
  ],
  [
    'guard: { urls: ["http://a.example", "checkip"] }',
    'guard.urls: found "checkip" at position 1, expected a list of 1 to 8, each an http or https URL (f.yaml:9)',
  ],
  [
    'guard: { allowPrivate: "true" }',
    'guard.allowPrivate: found "true", expected true or false; write it without quotation marks (f.yaml:9)',
  ],
  [
    'guard: { urls: [] }',
    'guard.urls: found a list of 0, expected a list of 1 to 8, each an http or https URL (f.yaml:9)',
  ],
  ['peers: []', 'peers: found an empty list, expected at least one { id, url, role } (f.yaml:7)'],
  [
    'peers: { id: neptune, url: "http://10.0.1.11:8741" }',
    'peers: found a map, expected a list of at least one { id, url, role }; begin each item with a hyphen (f.yaml:7)',
  ],
  ['peers: [neptune]', 'peers[0]: found "neptune", expected a map { id, url, role } (f.yaml:7)'],
  [
    'peers: [{ id: neptune, url: "http://10.0.1.11:8741" }, { id: neptune, url: "http://10.0.1.13:8741" }]',
    'peers[1].id: found "neptune", expected an id of its own; peers[0].id is the same (f.yaml:7)',
  ],
  [
    'peers: [{ id: neptune, url: "http://10.0.1.11:8741" }, { id: pluto, url: "http://10.0.1.11:8741/" }]',
    'peers[1].url: found "http://10.0.1.11:8741/", expected a URL of its own; peers[0].url is the same (f.yaml:7)',
  ],
  [
    'peers: [{ id: saturn, url: "http://10.0.1.12:8741" }]',
    'peers: found no node but this one, expected at least one other node',
  ],
  [
    'peers: [{ id: neptune, url: "http://10.0.1.11:8741", role: member }]',
    'peers: found one voter, expected at least two candidates or witnesses; a node alone agrees with nobody; members have no vote',
  ],
  [
    `peers: [${[1, 2, 3, 4, 5, 6, 7].map((n) => `{ id: n${n}, url: "http://10.0.2.${n}:8741" }`).join(', ')}]`,
    'peers: found 8 voters, this node among them, expected at most 7; give the others role: member',
  ],
  [
    'auth: { keyFile: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= }',
    'auth.keyFile: found a key (not shown), expected the path of the file that holds the key; make a new key, because this one was written here (f.yaml:8)',
  ],
  [
    'auth:',
    'auth.keyFile: found nothing, expected the path of the file that holds the key; or set FAILTOME_KEY_FILE',
  ],
  ['addresses:', 'addresses: found nothing, expected a list of at least one { ip, probe }'],
  [
    'addresses: [{ ip: www.example.org }]',
    ip('"www.example.org"', 'a host name cannot be moved, its address can'),
  ],
  [
    'addresses: [{ ip: 54.173.141.243/32 }]',
    ip('"54.173.141.243/32"', 'write the address alone, without a prefix length'),
  ],
  [
    'addresses: [{ ip: 54.173.141.256 }]',
    ip('"54.173.141.256"', 'an IPv4 address has four decimal numbers from 0 to 255, without leading zeros'),
  ],
  [
    'addresses: [{ probe: { port: 80 } }]',
    'addresses[0].ip: found nothing, expected an IPv4 or IPv6 address',
  ],
  [
    'addresses: [{ ip: 54.173.141.243 }, { ip: 54.173.141.243 }]',
    'addresses[1].ip: found "54.173.141.243", expected each address once; addresses[0].ip is the same (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: "2001:db8::1" }, { ip: "2001:DB8:0::1" }]',
    'addresses[1].ip: found "2001:DB8:0::1", expected each address once; addresses[0].ip is the same (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, privateIp: "fd00::1" }]',
    'addresses[0].privateIp: found "fd00::1", expected an IPv4 address, like the ip beside it (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, privateIp: 54.173.141.243 }]',
    'addresses[0].privateIp: found "54.173.141.243", expected the network interface\'s own address, not the one that moves (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, allocationId: eipassoc-0abc }]',
    'addresses[0].allocationId: found "eipassoc-0abc", expected an allocation id such as eipalloc-0abc (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { fall: 0 } }]',
    probe('fall', '0', 'a whole number from 1 to 100', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { rise: 0 } }]',
    probe('rise', '0', 'a whole number from 1 to 100', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { port: 0 } }]',
    probe('port', '0', 'a whole number from 1 to 65535', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { path: index.html } }]',
    probe('path', '"index.html"', 'a path that begins with / and holds no space and no #', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { host: "http://www.example.org/" } }]',
    probe(
      'host',
      '"http://www.example.org/"',
      'a host name or an address, without scheme, port and path',
      '',
    ),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { scheme: tcp } }]',
    probe('scheme', '"tcp"', 'http or https', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { interval: 1s, fastInterval: 2s } }]',
    probe('fastInterval', '2s', 'at most the interval of 1s', 'it is for when something looks wrong'),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { expect: 399-200 } }]',
    expectRange('"399-200"', 'write 200-399'),
  ],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: 2xx } }]', expectRange('"2xx"', 'write 200-299')],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: 200-700 } }]', expectRange('"200-700"', '')],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: ok } }]', expectRange('"ok"', '')],
  [
    'local: { url: 127.0.0.1 }',
    'local.url: found "127.0.0.1", expected an http or https URL, or none; did you mean http://127.0.0.1? (f.yaml:9)',
  ],
  [
    'local: { url: none }',
    'local.url: found none, expected a page, or beside it local.socket or local.command (f.yaml:9)',
  ],
  [
    'local: { socket: admin.sock }',
    'local.socket: found "admin.sock", expected the whole path of a socket (f.yaml:9)',
  ],
  ['local: { need: some }', 'local.need: found "some", expected all or any (f.yaml:9)'],
  [
    'local: { interval: 100ms, fastInterval: 200ms }',
    'local.fastInterval: found 200ms, expected at most the interval of 100ms; it is for when something looks wrong (f.yaml:9)',
  ],
  [
    'driver:',
    'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec, because node.role is candidate; a node that never takes an address has role: witness',
  ],
  [
    'driver: { region: us-east-1 }',
    'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec',
  ],
  [
    'driver: { kind: EC2 }',
    'driver.kind: found "EC2", expected ec2, ec2-private-ip, ec2-route, opsworks or exec; did you mean ec2? (f.yaml:8)',
  ],
  [
    'driver: { kind: exec }',
    'driver.command: found nothing, expected the program and its arguments, because driver.kind is exec',
  ],
  [
    'driver: { kind: ec2, command: [/usr/local/bin/move-ip] }',
    'driver.command: found a command, expected none, because driver.kind is ec2; did you mean driver.kind: exec? (f.yaml:8)',
  ],
  [
    'driver: { kind: exec, command: [/usr/local/bin/move-ip], region: us-east-1 }',
    'driver.region: found "us-east-1", expected none, because driver.kind is exec (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, instanceId: 45ef378d-b87c-42be-a1b9-b67c48edafd4 }',
    'driver.instanceId: found "45ef378d-b87c-42be-a1b9-b67c48edafd4", expected an EC2 instance id such as i-0abc, because driver.kind is ec2 (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-private-ip, instanceId: 45ef378d-b87c-42be-a1b9-b67c48edafd4 }',
    'driver.instanceId: found "45ef378d-b87c-42be-a1b9-b67c48edafd4", expected an EC2 instance id such as i-0abc, because driver.kind is ec2-private-ip (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-private-ip, networkInterfaceId: eth0 }',
    'driver.networkInterfaceId: found "eth0", expected the id of a network interface such as eni-0abc (f.yaml:8)',
  ],
  [
    'driver: { kind: opsworks, networkInterfaceId: eni-0abc }',
    'driver.networkInterfaceId: found "eni-0abc", expected none, because driver.kind is opsworks (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-route }',
    'driver.routeTables: found nothing, expected a list of 1 to 16, each the id of a route table such as rtb-0abc, because driver.kind is ec2-route',
  ],
  [
    'driver: { kind: ec2-route, routeTables: [main] }',
    'driver.routeTables: found "main" at position 0, expected a list of 1 to 16, each the id of a route table such as rtb-0abc (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-route, routeTables: [rtb-0a, rtb-0b, rtb-0a] }',
    'driver.routeTables: found "rtb-0a" twice, expected each table once (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, routeTables: [rtb-0a] }',
    'driver.routeTables: found route tables, expected none, because driver.kind is ec2; did you mean driver.kind: ec2-route? (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, assumeRole: mover }',
    'driver.assumeRole: found "mover", expected the ARN of an IAM role such as arn:aws:iam::123456789012:role/mover (f.yaml:8)',
  ],
  [
    'driver: { kind: exec, command: [/usr/local/bin/move-ip], assumeRole: "arn:aws:iam::123456789012:role/mover" }',
    'driver.assumeRole: found "arn:aws:iam::123456789012:role/mover", expected none, because driver.kind is exec (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, region: us-east-1a }',
    'driver.region: found "us-east-1a", expected an AWS region such as us-east-1 (not a zone such as us-east-1a); did you mean us-east-1? (f.yaml:8)',
  ],
  [
    'notify: { sns: {} }',
    'notify.sns.topicArn: found nothing, expected the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:failover',
  ],
  [
    'notify: { sns: { topicArn: failover } }',
    'notify.sns.topicArn: found "failover", expected the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:failover (f.yaml:9)',
  ],
  ['stateDir: [/var]', 'stateDir: found a list, expected the path of a directory (f.yaml:9)'],
];

function duration(path: string, found: string, min: string, max: string, hint: string): string {
  const line = path === 'holdDown' || path.includes('.') ? 9 : 8;
  const end = hint === '' ? '' : `; ${hint}`;
  return `${path}: found ${found}, expected a duration from ${min} to ${max}, such as 500ms, 2s or 1m${end} (f.yaml:${line})`;
}

function baseUrl(path: string, found: string, hint: string): string {
  return `${path}: found ${found}, expected an http or https URL of host and port that the other nodes can reach; ${hint} (f.yaml:9)`;
}

function ip(found: string, hint: string): string {
  return `addresses[0].ip: found ${found}, expected an IPv4 or IPv6 address${hint === '' ? '' : `; ${hint}`} (f.yaml:7)`;
}

function probe(key: string, found: string, expected: string, hint: string): string {
  const end = hint === '' ? '' : `; ${hint}`;
  return `addresses[0].probe.${key}: found ${found}, expected ${expected}${end} (f.yaml:7)`;
}

function expectRange(found: string, hint: string): string {
  return probe(
    'expect',
    found,
    'HTTP status codes from 100 to 599, such as 200-399 or 200,204,301-302',
    hint,
  );
}

describe('one mistake makes one line', () => {
  test.each(singleFaults)('%s', (section, line) => {
    expect(linesOf(withSection(section))).toEqual([line]);
  });
});

const wholeFiles: readonly (readonly [what: string, yaml: string, lines: readonly string[]])[] = [
  [
    'an empty file lacks all that is required',
    '',
    [
      'cluster: found nothing, expected a name of 1 to 64 letters, digits, dots, hyphens and underscores',
      'peers: found nothing, expected a list of at least one { id, url, role }',
      'auth.keyFile: found nothing, expected the path of the file that holds the key; or set FAILTOME_KEY_FILE',
      'addresses: found nothing, expected a list of at least one { ip, probe }',
      'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec, because node.role is candidate; a node that never takes an address has role: witness',
    ],
  ],
  [
    'faults of several kinds are told at once, in the order of the file',
    `${GOOD}gossip: { intervall: 5, timeout: 5 }\nholdown: 60s\nlocal: { fall: 0 }\nagreement: { lease: 10 }\n`,
    [
      'gossip.timeout: found 5 (a number without a unit), expected a duration from 20ms to 1m, such as 500ms, 2s or 1m; write 5s for seconds or 5ms (f.yaml:9)',
      'gossip.intervall: found an unknown key, expected one of interval, dead, timeout and fanout; did you mean interval? (f.yaml:9)',
      'holdown: found an unknown key, expected one of cluster, preset, node, api, peers, auth, addresses, local, gossip, agreement, guard, driver, store, failback, notify, holdDown, flap, handover, stateDir, recorder and log; did you mean holdDown? (f.yaml:10)',
      'local.fall: found 0, expected a whole number from 1 to 100 (f.yaml:11)',
      'agreement.lease: found 10 (a number without a unit), expected a duration from 2s to 5m, such as 500ms, 2s or 1m; write 10s for seconds or 10ms (f.yaml:12)',
    ],
  ],
  [
    'a key that stands twice',
    `${GOOD}holdDown: 60s\nholdDown: 30s\n`,
    ['holdDown: found the key twice, first on line 9, expected it once (f.yaml:10)'],
  ],
  [
    'a key that stands twice inside a list',
    GOOD.replace('ip: 54.173.141.243', 'ip: 54.173.141.243, ip: 54.173.141.244'),
    ['addresses[0].ip: found the key twice, first on line 7, expected it once (f.yaml:7)'],
  ],
  [
    'a syntax error, with its line',
    `${GOOD}gossip: { interval: 1s\n`,
    [
      'f.yaml:10: found invalid YAML (Flow map in block collection must be sufficiently indented and end with a }), expected one valid YAML document',
    ],
  ],
  [
    'a tab for indentation',
    `${GOOD}gossip:\n\tinterval: 1s\n`,
    [
      'f.yaml:10: found invalid YAML (Tabs are not allowed as indentation), expected one valid YAML document; YAML is indented with spaces, not tabs',
    ],
  ],
  [
    'two documents',
    `${GOOD}---\n${GOOD}`,
    ['f.yaml:9: found the start of a second document, expected one valid YAML document'],
  ],
  ['a list', '- cluster: web\n', ["f.yaml: found a list, expected a map of the configuration's sections"]],
  ['prose', 'hello\n', ['f.yaml: found "hello", expected a map of the configuration\'s sections']],
  ['binary data', 'cluster: \0\n', ['f.yaml: found binary data, expected text in UTF-8']],
  [
    'an alias without an anchor',
    GOOD.replace('cluster: web', 'cluster: *name'),
    ['cluster: found an alias, *name, without its anchor, expected &name at an earlier value (f.yaml:1)'],
  ],
  [
    'aliases that multiply',
    `${GOOD}a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n${[...'bcdefghi']
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`)
      .join('\n')}`,
    [
      'f.yaml: found more values, aliases or levels than a file can need, expected at most 50000 values, 100 aliases and 16 levels',
    ],
  ],
  [
    'an anchor that contains itself',
    `${GOOD}loop: &loop [*loop]\n`,
    [
      'f.yaml: found more values, aliases or levels than a file can need, expected at most 50000 values, 100 aliases and 16 levels',
    ],
  ],
];

describe('whole files', () => {
  test.each(wholeFiles)('%s', (_, yaml, lines) => {
    expect(linesOf(yaml)).toEqual(lines);
  });

  test('no message breaks its line, whatever the file holds', () => {
    for (const line of linesOf(withSection('cluster: "a\\nb\\u001b[31m\\u0085c"'))) {
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });

  test('a password in a URL and a key in the place of its path are never repeated', () => {
    const key = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
    const yaml = GOOD.replace('/etc/failtome/cluster.key', key).replace(
      '10.0.1.11',
      'root:hunter2@10.0.1.11',
    );
    const output = linesOf(yaml).join('\n');
    expect(output).toContain('auth.keyFile');
    expect(output).toContain('peers[0].url');
    expect(output).not.toContain(key.slice(0, 8));
    expect(output).not.toContain('hunter2');
  });
});

describe('an address that is no Elastic IP', () => {
  const moving = (address: string, driver = 'kind: ec2-private-ip'): string =>
    GOOD.replace(/^addresses:.*\n( .*\n)*/m, `addresses: [${address}]\n`).replace(
      '{ kind: ec2 }',
      `{ ${driver} }`,
    );
  const ROUTE = 'kind: ec2-route, routeTables: [rtb-0a]';

  test.each([
    [
      '{ ip: 10.0.1.100, allocationId: eipalloc-0abc }',
      'addresses[0].allocationId: found "eipalloc-0abc", expected none, because driver.kind is ec2-private-ip; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: 10.0.1.100, privateIp: 10.0.1.12 }',
      'addresses[0].privateIp: found "10.0.1.12", expected none, because driver.kind is ec2-private-ip; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: "fd00::1" }',
      'addresses[0].ip: found "fd00::1", expected an IPv4 address, because driver.kind is ec2-private-ip (f.yaml:6)',
    ],
  ])('%s is refused', (address, line) => {
    expect(linesOf(moving(address))).toEqual([line]);
  });

  test.each([
    [
      '{ ip: 10.9.0.5, allocationId: eipalloc-0abc }',
      'addresses[0].allocationId: found "eipalloc-0abc", expected none, because driver.kind is ec2-route; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: "fd00::1" }',
      'addresses[0].ip: found "fd00::1", expected an IPv4 address, because driver.kind is ec2-route (f.yaml:6)',
    ],
  ])('%s is refused for routes, too', (address, line) => {
    expect(linesOf(moving(address, ROUTE))).toEqual([line]);
  });

  test('led to by routes is taken as it is, and a public one with a warning', () => {
    const two = moving('{ ip: 10.9.0.5 }, { ip: 10.9.0.6 }', ROUTE);
    expect(linesOf(two)).toEqual([]);
    expect(warningsOf(two).filter((line) => line.startsWith('addresses'))).toEqual([]);
    expect(warningsOf(moving('{ ip: 54.173.141.243 }', ROUTE))).toContain(
      'addresses[0].ip: 54.173.141.243 is a public address, and driver.kind ec2-route is for addresses within a VPC',
    );
  });

  test('is taken as it is, two of them without a word, and a public one with a warning', () => {
    const two = moving('{ ip: 10.0.1.100 }, { ip: 10.0.1.101 }');
    expect(linesOf(two)).toEqual([]);
    expect(warningsOf(two).filter((line) => line.startsWith('addresses'))).toEqual([]);
    expect(warningsOf(moving('{ ip: 54.173.141.243 }'))).toContain(
      'addresses[0].ip: 54.173.141.243 is a public address, and driver.kind ec2-private-ip is for addresses of a subnet',
    );
  });
});

describe('the environment', () => {
  test.each([
    ['FAILTOME_NODE_ID', 'two words', 'node.id: found "two words", expected a name of'],
    ['FAILTOME_PRIORITY', 'high', 'node.priority: found "high", expected a whole number'],
    ['FAILTOME_LISTEN', '8741', 'api.listen: found "8741", expected host:port'],
    ['FAILTOME_ADVERTISE', 'http://0.0.0.0:8741', 'api.advertise: found "http://0.0.0.0:8741", expected'],
    ['FAILTOME_KEY_FILE', '/etc/', 'auth.keyFile: found "/etc/", expected the path of the file'],
    ['FAILTOME_LOG_LEVEL', 'loud', 'log.level: found "loud", expected debug, info, warn or error'],
    ['FAILTOME_INSTANCE_ID', 'saturn', 'driver.instanceId: found "saturn", expected an EC2 instance id'],
    ['FAILTOME_NETWORK_INTERFACE_ID', 'ens5', 'driver.networkInterfaceId: found "ens5", expected the id of'],
  ])('%s=%s is checked like the key it overrides, and named', (variable, value, beginning) => {
    const [line, ...others] = linesOf(GOOD, { [variable]: value });
    expect(others).toEqual([]);
    expect(line).toContain(beginning);
    expect(line).toMatch(new RegExp(` \\(environment variable ${variable}\\)$`));
  });

  test('a variable that looks like one of ours and is none is told, and refuses nothing', () => {
    expect(linesOf(GOOD, { FAILTOME_NODEID: 'saturn' })).toEqual([]);
    expect(warningsOf(GOOD, { FAILTOME_NODEID: 'saturn' })).toContain(
      'FAILTOME_NODEID: is not a variable that is read; did you mean FAILTOME_NODE_ID?',
    );
  });
});

describe('what a witness or a member has no use for', () => {
  test.each(['witness', 'member'])(
    'a %s passes over a faulty driver, local and notify, and says so',
    (role) => {
      const yaml = GOOD.replace('id: saturn', `id: saturn, role: ${role}`)
        .replace('- { id: neptune', '- { id: pluto, url: "http://10.0.1.13:8741" }\n  - { id: neptune')
        .replace('kind: ec2', 'kind: gcp')
        .concat('local: { fall: 0 }\nnotify: { sns: { topicArn: nowhere } }\n');
      expect(linesOf(yaml)).toEqual([]);
      expect(warningsOf(yaml)).toEqual([
        `local.fall: found 0, expected a whole number from 1 to 100; ignored, because node.role is ${role}`,
        `driver.kind: found "gcp", expected ec2, ec2-private-ip, ec2-route, opsworks or exec; ignored, because node.role is ${role}`,
        'notify.sns.topicArn: found "nowhere", expected the ARN of a standard SNS topic such as ' +
          `arn:aws:sns:us-east-1:123456789012:failover; ignored, because node.role is ${role}`,
      ]);
    },
  );
});

describe('a file that cannot be read', () => {
  async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'failtome-config-'));
    try {
      await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function linesOfFile(file: string): Promise<readonly string[]> {
    const result = await loadConfig(file, {});
    return result.kind === 'faulty' ? faultLines(result.faults, file) : [];
  }

  test('is named, with what is wrong with it', async () => {
    await inFolder(async (folder) => {
      const missing = join(folder, 'missing.yaml');
      expect(await linesOfFile(missing)).toEqual([
        `${missing}: found no such file, expected a YAML file of at most 1 MiB; name the file with --config FILE`,
      ]);
      expect(await linesOfFile(folder)).toEqual([
        `${folder}: found a directory, expected a YAML file of at most 1 MiB; name the file in it`,
      ]);
    });
  });

  test('is not read beyond the largest size', async () => {
    await inFolder(async (folder) => {
      const huge = join(folder, 'huge.yaml');
      await writeFile(huge, '#'.repeat(MAX_FILE_BYTES + 1));
      expect(await linesOfFile(huge)).toEqual([
        `${huge}: found more than 1 MiB, expected a YAML file of at most 1 MiB`,
      ]);
    });
  });

  test('that the system refuses to open is told as such', async () => {
    const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    const result = await loadConfig('/etc/f.yaml', {}, () => Promise.reject(refused));
    expect(result.kind === 'faulty' && faultLines(result.faults, '/etc/f.yaml')).toEqual([
      '/etc/f.yaml: found a file that may not be read, expected a YAML file of at most 1 MiB; give the user that runs failtome the right to read it',
    ]);
  });
});
