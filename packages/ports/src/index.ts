/**
 * What the agent's adapters and the simulator's have in common, without I/O: what AWS's answers mean for the protocol,
 * and the calls that a driver makes. Each adapter only carries it: over the SDK, or to the model of AWS.
 */
export * from './arbiter-store.ts';
export * from './attempts.ts';
export * from './aws-calls.ts';
export * from './aws-failure.ts';
export * from './ec2.ts';
export * from './opsworks.ts';
export * from './own-card.ts';
export * from './private-ip.ts';
export * from './relay.ts';
export * from './relay-item.ts';
export * from './relay-pace.ts';
export * from './relay-store.ts';
export * from './route.ts';
export * from './transport.ts';
