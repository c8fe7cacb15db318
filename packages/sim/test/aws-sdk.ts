import { createRequire } from 'node:module';

// The SDK is the agent's dependency, not the simulator's; tests borrow it from there.
const agentRequire = createRequire(new URL('../../agent/package.json', import.meta.url));

type Ec2Module = typeof import('../../agent/node_modules/@aws-sdk/client-ec2/dist-types/index.d.ts');
type OpsworksModule = typeof import('../../agent/node_modules/@aws-sdk/client-opsworks/dist-types/index.d.ts');
type SnsModule = typeof import('../../agent/node_modules/@aws-sdk/client-sns/dist-types/index.d.ts');
type StsModule = typeof import('../../agent/node_modules/@aws-sdk/client-sts/dist-types/index.d.ts');

// `require` knows no types; each module's are those of the same package.
export const ec2Sdk = agentRequire('@aws-sdk/client-ec2') as Ec2Module;
export const opsworksSdk = agentRequire('@aws-sdk/client-opsworks') as OpsworksModule;
export const snsSdk = agentRequire('@aws-sdk/client-sns') as SnsModule;
export const stsSdk = agentRequire('@aws-sdk/client-sts') as StsModule;
