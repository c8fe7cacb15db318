/** What is wrong with the keys of nodes and of what they agree on: one mistake makes one line. */
import { describe, expect, test } from 'vitest';
import { GOOD, linesOf, withSection } from './support/faulty-config.ts';

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
];

function duration(path: string, found: string, min: string, max: string, hint: string): string {
  const line = path === 'holdDown' || path.includes('.') ? 9 : 8;
  const end = hint === '' ? '' : `; ${hint}`;
  return `${path}: found ${found}, expected a duration from ${min} to ${max}, such as 500ms, 2s or 1m${end} (f.yaml:${line})`;
}

function baseUrl(path: string, found: string, hint: string): string {
  return `${path}: found ${found}, expected an http or https URL of host and port that the other nodes can reach; ${hint} (f.yaml:9)`;
}

describe('one mistake makes one line', () => {
  test.each(singleFaults)('%s', (section, line) => {
    expect(linesOf(withSection(section))).toEqual([line]);
  });
});
