/**
 * The AWS SDK's own variables, as far as a fault in them can be told before anything starts. The SDK would tell it at
 * the first call, and as a failure of the network.
 */
import { shown } from '@failtome/config';
import { regionRemark } from './aws-names.ts';
import { DRIVER_KINDS } from './driver-kinds.ts';
import type { Fault } from './fault.ts';
import * as keys from './file-keys.ts';
import { readHttpUrl } from './http-url.ts';
import { type Environment, get, type Settings } from './settings.ts';

const METADATA_ENDPOINT = 'AWS_EC2_METADATA_SERVICE_ENDPOINT';

const ENDPOINTS: readonly string[] = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_EC2',
  'AWS_ENDPOINT_URL_OPSWORKS',
  'AWS_ENDPOINT_URL_SNS',
  'AWS_ENDPOINT_URL_STS',
];

/** What this configuration would read of the environment and can't use. A variable that nothing reads has no faults. */
export function awsEnvironmentFaults(settings: Settings, environment: Environment): readonly Fault[] {
  const candidate = get(settings, keys.NODE_ROLE) === 'candidate';
  const kind = get(settings, keys.DRIVER_KIND);
  const onAws = candidate && kind !== null && DRIVER_KINDS[kind].onAws;
  const calls = onAws || (candidate && settings.present.has('notify.sns'));
  const asksMetadata = calls || get(settings, keys.NODE_ID) === null;
  const ignored = environment.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS?.toLowerCase() === 'true';
  return [
    ...(onAws && get(settings, keys.DRIVER_REGION) === null ? regionFaults(environment) : []),
    ...(calls && !ignored ? ENDPOINTS.flatMap((name) => endpointFaults(name, environment)) : []),
    ...(asksMetadata ? endpointFaults(METADATA_ENDPOINT, environment) : []),
  ];
}

/** The first that is set counts (`resolveIdentity`). */
function regionFaults(environment: Environment): readonly Fault[] {
  const name = ['AWS_REGION', 'AWS_DEFAULT_REGION'].find((one) => (environment[one] ?? '') !== '');
  const value = name === undefined ? '' : (environment[name] ?? '');
  const hint = regionRemark(value);
  if (name === undefined || hint === null) return [];
  return [
    { path: name, found: shown(value), expected: keys.DRIVER_REGION.kind.expected, hint, origin: null },
  ];
}

function endpointFaults(name: string, environment: Environment): readonly Fault[] {
  const value = environment[name] ?? '';
  const reading = readHttpUrl(value);
  if (value === '' || reading.kind === 'url') return [];
  const { remark } = reading;
  return [{ path: name, found: shown(value), expected: 'an http or https URL', hint: remark, origin: null }];
}
