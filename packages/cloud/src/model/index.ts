/**
 * A pure model of the parts of AWS that a failover touches: no I/O, no clock, no randomness. Time comes in with every
 * input, in milliseconds on a clock that only goes forward. The embedded cloud runs it on real timers, the simulator on
 * virtual ones.
 */
export * from './call.ts';
export * from './create.ts';
export * from './errors.ts';
export * from './faults.ts';
export * from './ipv6.ts';
export * from './names.ts';
export * from './network.ts';
export * from './policy.ts';
export * from './private-ips.ts';
export * from './requests.ts';
export * from './routes.ts';
export * from './state.ts';
export * from './sts.ts';
