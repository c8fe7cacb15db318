import { openExternalIp, openLocalCheck, openProber } from './agent-checks.ts';
import { describeCheck, describeExternalIp } from './checks-contract.ts';
import { openSimulatedExternalIp, openSimulatedLocalCheck, openSimulatedProber } from './sim-checks.ts';

describeCheck('of an address, by the agent', { outside: true }, openProber);
describeCheck('of an address, by the simulator', { outside: true }, openSimulatedProber);
describeCheck('of this node, by the agent', { outside: false }, openLocalCheck);
describeCheck('of this node, by the simulator', { outside: false }, openSimulatedLocalCheck);
describeExternalIp('of the agent', openExternalIp);
describeExternalIp('of the simulator', openSimulatedExternalIp);
