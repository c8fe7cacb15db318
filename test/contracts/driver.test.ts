import { openAws } from '../drivers/aws-world.ts';
import { openEc2, openExec, openPrivateIp, openRoute, opsworksWorld } from './agent-drivers.ts';
import { describeAwsDriver } from './aws-driver-contract.ts';
import { describeDriver } from './driver-contract.ts';
import { describeEc2Driver } from './ec2-contract.ts';
import { describePrivateIpDriver } from './private-ip-contract.ts';
import { describeRouteDriver } from './route-contract.ts';
import { openSimulated } from './sim-drivers.ts';

const openOpsworks = async () => opsworksWorld(await openAws());

describeDriver('exec', { fenced: true }, openExec);

for (const [name, open] of [
  ['ec2 of the agent', openEc2],
  ['ec2 of the simulator', () => openSimulated('ec2')],
] as const) {
  describeDriver(name, { fenced: true }, () => open());
  describeAwsDriver(name, () => open());
}

type OpenPrivateIp = Parameters<typeof describePrivateIpDriver>[1];

const privateIps: readonly (readonly [name: string, open: OpenPrivateIp])[] = [
  ['ec2-private-ip of the agent', (config) => openPrivateIp({ cloud: { config: { ...config } } })],
  ['ec2-private-ip of the simulator', (config) => openSimulated('ec2-private-ip', config)],
  [
    'ec2-private-ip of the agent, over IPv6',
    (config) => openPrivateIp({ cloud: { config: { ...config } } }, 'ec2-private-ip over IPv6'),
  ],
  [
    'ec2-private-ip of the simulator, over IPv6',
    (config) => openSimulated('ec2-private-ip over IPv6', config),
  ],
];

for (const [name, open] of privateIps) {
  describeDriver(name, { fenced: true }, () => open());
  describeAwsDriver(name, () => open());
  describePrivateIpDriver(name, open);
}

type OpenRoute = Parameters<typeof describeRouteDriver>[1];

const routes: readonly (readonly [name: string, open: OpenRoute])[] = [
  ['ec2-route of the agent', (options) => openRoute({}, options)],
  ['ec2-route of the simulator', (options) => openSimulated('ec2-route', options)],
];

for (const [name, open] of routes) {
  describeDriver(name, { fenced: false }, () => open({}));
  describeAwsDriver(name, () => open({}));
  describeRouteDriver(name, open);
}

for (const [name, open] of [
  ['opsworks of the agent', openOpsworks],
  ['opsworks of the simulator', () => openSimulated('opsworks')],
] as const) {
  describeDriver(name, { fenced: false }, open);
  describeAwsDriver(name, open);
}

describeEc2Driver('ec2 of the agent', (options) =>
  openEc2(options === undefined ? {} : { cloud: { config: { staleDisassociate: options.staleRelease } } }),
);
describeEc2Driver('ec2 of the simulator', (options) => openSimulated('ec2', options));
