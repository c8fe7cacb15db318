/** The embedded cloud: the AWS model over its real wire protocols, for the demo, the tests and other processes. */
export type * from './address.ts';
export type * from './api-sockets.ts';
export * from './cloud.ts';
export { CloudFlagError } from './cloud-flags.ts';
export type * from './external-ip.ts';
export type * from './live-account.ts';
export type * from './metadata.ts';
export type * from './options.ts';
export { hasIpv6Loopback } from './options.ts';
export * from './run-cloud.ts';
export * from './start-cloud.ts';
export * from './time-of-day.ts';
export * from './togglable-listener.ts';
