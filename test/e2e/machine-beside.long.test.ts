/** The guides that come from keepalived and from monit: both run side by side without a fight until the switch. */

import { rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { has } from '../../scripts/requirements.mjs';
import { buildPackages, quickDeb } from './support/built-packages.ts';
import type { Machine } from './support/machine.ts';
import { Machines, pair } from './support/machines.ts';
import { blocksOf } from './support/page-commands.ts';

const withinMs = 90_000;
const timeout = 600_000;

/** The seed of this project, as its cookbook wrote it for a node of these documents. */
const monitScript = (opsworksId: string): string => `#!/bin/sh

# Check current instance IP externally
OUT=$( curl -qSfsw '\\n' http://checkip.amazonaws.com ) 2>/dev/null
RET=$?

# Check that current IP isn't target IP and that request didn't fail
if [ "$RET" = '0' -a "$OUT" != '54.173.141.243' ]; then

 # Swap EIP
 aws --region us-east-1 opsworks associate-elastic-ip \\
  --elastic-ip 54.173.141.243 \\
  --instance-id ${opsworksId}

 # Send notification
 aws --region us-east-1 sns publish \\
  --topic-arn arn:aws:sns:us-east-1:123456789012:failover \\
  --subject "HAProxy failover notification" \\
  --message \\
  "Instance ${opsworksId} took over 54.173.141.243"

fi
`;

const monitCheck = `check host 54.173.141.243 with address 54.173.141.243
    if failed
        port 80
        protocol HTTP
        request /
        timeout 5 seconds
        for 3 cycles
        then exec "/etc/failtome.sh"
`;

/** What people write for keepalived: whoever becomes VRRP's master takes the address from whoever has it. */
const masterScript = (instanceId: string): string => `#!/bin/sh
exec aws --region us-east-1 ec2 associate-address --allow-reassociation \\
  --instance-id ${instanceId} --allocation-id eipalloc-00000000000000001
`;

const keepalivedConf = (id: string, own: string, other: string): string => `global_defs {
  script_user root
  enable_script_security
}
vrrp_script serving {
  script "/usr/bin/curl -fsS -m 1 -o /dev/null http://127.0.0.1/"
  interval 1
  fall 2
  rise 2
}
vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${id === 'saturn' ? 150 : 100}
  advert_int 1
  unicast_src_ip ${own}
  unicast_peer {
    ${other}
  }
  virtual_ipaddress {
    10.0.1.99
  }
  track_script {
    serving
  }
  notify_master "/etc/failtome-take.sh"
}
`;

/** The embedded cloud's endpoint; this command line is older than the variable for it. */
const awsCommand = `#!/bin/sh
set -a
. /etc/default/failtome
exec /usr/bin/aws.real --endpoint-url "$AWS_ENDPOINT_URL" "$@"
`;

async function keepalived(machine: Machine): Promise<void> {
  const [own, other] = machine.id === 'saturn' ? ['10.0.1.12', '10.0.1.11'] : ['10.0.1.11', '10.0.1.12'];
  await machine.script('/etc/failtome-take.sh', masterScript(`i-${machine.id}`));
  await mkdir(machine.path('/etc/keepalived'), { recursive: true });
  const file = machine.path('/etc/keepalived/keepalived.conf');
  await writeFile(file, keepalivedConf(machine.id, own, other), { mode: 0o644 });
  await machine.must('systemctl enable --now keepalived');
}

/** The script and the check as the cookbook wrote them, in a monit that looks every second and not every minute. */
async function monit(machine: Machine): Promise<void> {
  const query = `Instances[?Ec2InstanceId=='i-${machine.id}'].InstanceId`;
  const stack = '--stack-id 11111111-2222-4333-8444-555555555555';
  const id = await machine.must(
    `aws --region us-east-1 opsworks describe-instances ${stack} --query "${query}" --output text`,
  );
  await machine.script('/etc/failtome.sh', monitScript(id.trim()));
  await mkdir(machine.path('/etc/monit.d'), { recursive: true });
  await writeFile(machine.path('/etc/monit.d/haproxywatch.monitrc'), monitCheck, { mode: 0o440 });
  const whole = 'set daemon 1\nset log /var/log/monit.log\ninclude /etc/monit.d/*\n';
  await writeFile(machine.path('/etc/monit/monitrc'), whole, { mode: 0o600 });
  await machine.must('monit');
}

/** How each began, who has had the address when saturn failed and was well again, and what the way itself told people. */
const ways = [
  // VRRP's higher priority takes it back.
  { name: 'keepalived', install: keepalived, moved: ['neptune', 'saturn'], told: 0 },
  { name: 'monit', install: monit, moved: ['neptune'], told: 1 },
] as const;

const canRun = (['root', 'ip', 'rpm', 'aws', 'keepalived'] as const).every(has);
const missing = canRun
  ? ''
  : ' (skipped: needs root, ip, rpm, aws, keepalived and monit; apt-get install -y iproute2 rpm awscli keepalived monit, sudo npm test)';

describe.skipIf(!canRun)(`a pair that comes from something else${missing}`, () => {
  let deb: string;

  beforeAll(async () => {
    await buildPackages();
    deb = await quickDeb();
  }, 600_000);

  afterAll(() => {
    if (deb !== undefined) rmSync(dirname(deb), { recursive: true, force: true });
  });

  /** A pair with failtome installed and set up, not started, and the other way at work. */
  async function prepared(install: (machine: Machine) => Promise<void>): Promise<Machines> {
    const machines = new Machines();
    onTestFinished(() => machines.close());
    await machines.openCloud();
    for (const id of pair) await (await machines.add(id, '/')).put(deb);
    await machines.follow((await blocksOf('README.md', 'Two nodes on EC2')).slice(0, -1));
    for (const id of pair) {
      await machines.of(id).must('mv /usr/bin/aws /usr/bin/aws.real');
      await machines.of(id).script('/usr/bin/aws', awsCommand);
      await install(machines.of(id));
    }
    return machines;
  }

  test.for(ways)(
    'from $name: one moves the address until the switch, and the other after it',
    { timeout },
    async ({ name, install, moved, told }) => {
      const page = `docs/guides/from-${name}.md`;
      const machines = await prepared(install);
      await machines.follow(await blocksOf(page, 'Side by side'));
      await machines.settled(...pair);
      await machines.of('saturn').stopServing();
      await taken(machines, 'neptune');
      await machines.served('neptune');
      for (const id of pair) await toldOfChange(machines, id);
      await hasWayOut(machines, 'saturn');
      machines.of('saturn').serve();
      await taken(machines, ...moved);
      await machines.settled(...pair);
      for (const id of pair) {
        expect(await machines.of(id).must('failtome status'), id).toContain('until the switch');
      }
      expect(machines.cloud().published).toHaveLength(told);

      await machines.follow(await blocksOf(page, 'The switch'));
      await machines.follow(await blocksOf(page, 'Back'));
      await machines.follow(await blocksOf(page, 'The switch'));
      await machines.settled(...pair);
      expect(machines.takers()).toEqual(moved);
      const [holder, other] = moved.at(-1) === 'saturn' ? ['saturn', 'neptune'] : ['neptune', 'saturn'];
      await machines.of(holder).stopServing();
      await machines.served(other);
      await until('people to be told', () => machines.cloud().published.length === told + 1, { withinMs });
      expect(machines.takers()).toEqual([...moved, other]);
    },
  );
});

async function taken(machines: Machines, ...takers: readonly string[]): Promise<void> {
  const look = (): boolean => machines.takers().join() === takers.join();
  await until(`${takers.join(', ')} to have taken it`, look, {
    withinMs,
    seen: () => machines.takers().join(),
  });
}

/** A move that nobody of the cluster made, which an idle node's next read shows, and what it would have done itself. */
async function toldOfChange(machines: Machines, id: string): Promise<void> {
  let seen = '';
  const look = async (): Promise<boolean> => {
    seen = await machines.of(id).must('failtome history');
    return seen.includes('saturn lost 54.173.141.243 to neptune') && /refusal .*\n.*paused/.test(seen);
  };
  await until(`the history of ${id} to tell of the change`, look, { withinMs, seen: () => seen });
}

/** Who loses an Elastic IP has none of its own for a while, and then gets one. */
async function hasWayOut(machines: Machines, id: string): Promise<void> {
  const command = 'curl -qSfs -m 1 http://checkip.amazonaws.com';
  const look = async (): Promise<boolean> => (await machines.of(id).run(command)).code === 0;
  await until(`${id} to have a way out`, look, { withinMs });
}
