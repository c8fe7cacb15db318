import { openTransport } from './agent-transport.ts';
import { openSimulatedTransport } from './sim-transport.ts';
import { describeTransport } from './transport-contract.ts';

describeTransport('of the agent', openTransport);
describeTransport('of the simulator', openSimulatedTransport);
