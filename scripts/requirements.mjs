// What some tests need of the machine beyond Node. Where one is missing, those tests are skipped, and
// `npm test` says so with the line that brings it.
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Requirement
 * @property {string} what the tests that need it
 * @property {string} install the line that brings it
 * @property {string[]} programs each of which must be there
 */

/** @satisfies {Record<string, Requirement>} */
const programs = {
  haproxy: {
    what: 'a real HAProxy behind the address',
    install: 'apt-get install -y haproxy',
    programs: ['haproxy'],
  },
  prometheus: {
    what: 'metrics and alert rules against a real Prometheus',
    install: 'apt-get install -y prometheus',
    programs: ['prometheus', 'promtool'],
  },
  aws: {
    what: 'the embedded cloud against the AWS command line',
    install: 'apt-get install -y awscli',
    programs: ['aws'],
  },
  chromium: {
    what: "the status page and the simulator's report in a browser",
    install: 'apt-get install -y chromium',
    programs: ['chromium'],
  },
  ip: {
    what: 'nodes in network namespaces',
    install: 'apt-get install -y iproute2',
    programs: ['ip'],
  },
  nft: {
    what: 'packet loss and partitions between namespaces',
    install: 'apt-get install -y nftables',
    programs: ['nft'],
  },
  etcd: {
    what: 'the relay through a real etcd',
    install: 'apt-get install -y etcd-server',
    programs: ['etcd'],
  },
  openssl: {
    what: 'the commands that make certificates, as documented',
    install: 'apt-get install -y openssl',
    programs: ['openssl'],
  },
  rpm: {
    what: 'the .rpm packages',
    install: 'apt-get install -y rpm',
    programs: ['rpmbuild', 'rpm'],
  },
  lintian: {
    what: "Debian's own check of the .deb packages",
    install: 'apt-get install -y lintian',
    programs: ['dpkg-deb', 'lintian'],
  },
  debootstrap: {
    what: 'installing, upgrading and removing the packages in a bare Debian',
    install: 'apt-get install -y debootstrap',
    programs: ['debootstrap', 'chroot'],
  },
  shells: {
    what: 'the completions in zsh and fish',
    install: 'apt-get install -y zsh fish',
    programs: ['zsh', 'fish'],
  },
  groff: {
    what: 'the manual pages',
    install: 'apt-get install -y groff',
    programs: ['groff'],
  },
  cloudInit: {
    what: "the user data held to cloud-init's own schema",
    install: 'apt-get install -y cloud-init',
    programs: ['cloud-init'],
  },
  shellcheck: {
    what: 'the script that sets a node up',
    install: 'apt-get install -y shellcheck',
    programs: ['shellcheck'],
  },
  buildah: {
    what: 'the Containerfile',
    install: 'apt-get install -y buildah',
    programs: ['buildah'],
  },
  ruby: {
    what: 'the Chef cookbook',
    install: 'apt-get install -y ruby',
    programs: ['ruby'],
  },
  keepalived: {
    what: 'the guides that come from keepalived and from monit',
    install: 'apt-get install -y keepalived monit',
    programs: ['keepalived', 'monit'],
  },
  systemd: {
    what: 'verification of the systemd unit',
    install: 'apt-get install -y systemd',
    programs: ['systemd-analyze'],
  },
};

/** @typedef {keyof typeof programs | 'root'} RequirementName */

/** Another line of Node than the one that runs this, from the npm package of that name. */
const otherNodeVersion = Number(process.versions.node.split('.')[0]) >= 22 ? '20.19.5' : '24.11.1';
const otherNodeFolder = join(
  import.meta.dirname,
  '../node_modules/.cache',
  `failtome-node-${otherNodeVersion}`,
);

/** What brings it, as an argument list for npm. */
export const otherNodeInstall = [
  'install',
  '--no-save',
  '--no-audit',
  '--no-fund',
  '--prefix',
  otherNodeFolder,
  `node@${otherNodeVersion}`,
];

/**
 * Where another line of Node is: what FAILTOME_OTHER_NODE names, or what was brought from npm.
 * @returns {string | undefined}
 */
export function findOtherNode() {
  const named = process.env.FAILTOME_OTHER_NODE ?? '';
  const files = named === '' ? [join(otherNodeFolder, 'node_modules/node/bin/node')] : [named];
  return files.find(isExecutable);
}

// Debian keeps some of these where a user's PATH does not look, and its own before any shim's.
const folders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', ...(process.env.PATH ?? '').split(':')];

/**
 * Where a program is.
 * @param {string} program
 * @returns {string | undefined}
 */
export function findProgram(program) {
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether this machine can run the tests that need this: `describe.skipIf(!has('haproxy'))`.
 * @param {RequirementName} name
 * @returns {boolean}
 */
export function has(name) {
  if (name === 'root') return process.getuid?.() === 0;
  return programs[name].programs.every((program) => findProgram(program) !== undefined);
}

/**
 * What is missing here, each with what it costs and the line that brings it.
 * @returns {{ name: string, what: string, install: string }[]}
 */
export function missing() {
  const names = /** @type {(keyof typeof programs)[]} */ (Object.keys(programs));
  /** @type {(Requirement & { name: string })[]} */
  const absent = names.filter((name) => !has(name)).map((name) => ({ name, ...programs[name] }));
  if (findOtherNode() === undefined)
    absent.push({
      name: `Node ${otherNodeVersion}`,
      what: 'the same trace hashes on another line of Node',
      install: `npm ${otherNodeInstall.join(' ')}`,
      programs: [],
    });
  if (has('root')) return absent;
  return [...absent, { name: 'root', what: 'nodes in network namespaces', install: 'sudo npm test' }];
}
