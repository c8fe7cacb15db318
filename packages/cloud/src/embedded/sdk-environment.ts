/** Environment variables by which the AWS SDKs and the AWS command line find the embedded cloud. */
import type { AccessKey } from './credentials.ts';

/** What an agent on an instance has to find. */
export interface InstancePlace {
  readonly endpointUrl: string;
  readonly region: string;
  readonly metadataUrl: string;
  /** Null: it asks the instance's metadata. */
  readonly key: AccessKey | null;
}

/** The environment of an agent on an instance. */
export function instanceEnvironment({
  endpointUrl,
  region,
  metadataUrl,
  key,
}: InstancePlace): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_REGION: region,
    // botocore appends its paths to this as it stands, so it must end with a slash; the other SDKs don't mind.
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `${metadataUrl}/`,
    ...(key === null ? {} : keyVariables(key)),
  };
}

/** The environment of a person at the AWS command line. */
export function operatorEnvironment(
  endpointUrl: string,
  region: string,
  key: AccessKey,
): Readonly<Record<string, string>> {
  return {
    AWS_ENDPOINT_URL: endpointUrl,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    ...keyVariables(key),
  };
}

function keyVariables(key: AccessKey): Readonly<Record<string, string>> {
  return { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
}
