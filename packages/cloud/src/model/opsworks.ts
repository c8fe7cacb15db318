import { instanceView } from './ec2.ts';
import { opsworksErrors } from './errors.ts';
import type { Caller } from './names.ts';
import { associate, disassociate, elasticIps } from './network.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import type {
  AwsOutcome,
  OpsworksAssociateElasticIp,
  OpsworksDescribeElasticIps,
  OpsworksDescribeInstances,
  OpsworksDisassociateElasticIp,
} from './requests.ts';
import type { AwsConfig, AwsState, Facts, Instance } from './state.ts';

/** OpsWorks API Reference, AssociateElasticIp: it moves the address without any condition. */
export function associateElasticIp(
  state: AwsState,
  request: OpsworksAssociateElasticIp,
  by: Caller,
  atMs: number,
): Applied {
  const address = elasticIps(state).find(({ publicIp }) => publicIp === request.elasticIp);
  if (address === undefined) return unchanged(state, refused(unknownIp(request.elasticIp)));
  if (request.instanceId === null) {
    return unchanged(state, refused(opsworksErrors.validation('Please provide an instance ID')));
  }
  const instance = byOpsworksId(state, request.instanceId);
  if (instance === undefined) return unchanged(state, refused(unknownInstance(request.instanceId)));
  if (instance.state !== 'running') {
    const sentence = `Cannot associate an Elastic IP with instance ${instance.hostname}: it is ${instance.state}`;
    return unchanged(state, refused(opsworksErrors.validation(sentence)));
  }
  const [primary] = instance.interfaces;
  const outcome = done({ action: request.action });
  const target = { instanceId: instance.id, interfaceId: primary.id, privateIp: primary.privateIps[0] };
  const { association } = address;
  if (association?.interfaceId === target.interfaceId && association.privateIp === target.privateIp) {
    return unchanged(state, outcome);
  }
  return { ...associate(state, address.publicIp, target, by, atMs), outcome };
}

/** OpsWorks API Reference, DisassociateElasticIp. */
export function disassociateElasticIp(
  state: AwsState,
  request: OpsworksDisassociateElasticIp,
  by: Caller,
  atMs: number,
): Applied {
  if (!elasticIps(state).some(({ publicIp }) => publicIp === request.elasticIp))
    return unchanged(state, refused(unknownIp(request.elasticIp)));
  const change = disassociate(state, request.elasticIp, 'disassociated', by, atMs);
  return { ...change, outcome: done({ action: request.action }) };
}

/** OpsWorks API Reference, DescribeElasticIps: at most one parameter; without any, every address. */
export function describeElasticIps(
  facts: Facts,
  config: AwsConfig,
  request: OpsworksDescribeElasticIps,
): AwsOutcome {
  const { instanceId, stackId, ips } = request;
  const given = [instanceId !== null, stackId !== null, ips.length > 0].filter(Boolean).length;
  if (given > 1) return refused(opsworksErrors.validation(onlyOne));
  const all = elasticIps(facts);
  const missing = ips.find((ip) => !all.some(({ publicIp }) => publicIp === ip));
  if (missing !== undefined) return refused(unknownIp(missing));
  if (stackId !== null && stackId !== config.stackId) return refused(unknownStack(stackId));
  if (instanceId !== null && byOpsworksId(facts, instanceId) === undefined) {
    return refused(unknownInstance(instanceId));
  }
  const shown = all
    .filter(({ publicIp }) => ips.length === 0 || ips.includes(publicIp))
    .map(({ publicIp, association }) => ({
      ip: publicIp,
      instanceId:
        association === null ? null : (facts.instances.get(association.instanceId)?.opsworksId ?? null),
    }))
    .filter((view) => instanceId === null || view.instanceId === instanceId);
  return done({ action: request.action, elasticIps: shown });
}

/** OpsWorks API Reference, DescribeInstances: by stack, by layer, or by OpsWorks's own instance ids. */
export function describeOpsworksInstances(
  facts: Facts,
  config: AwsConfig,
  request: OpsworksDescribeInstances,
  atMs: number,
): AwsOutcome {
  const { stackId, layerId, instanceIds } = request;
  const given = [stackId !== null, layerId !== null, instanceIds.length > 0].filter(Boolean).length;
  if (given !== 1) {
    return refused(
      opsworksErrors.validation(given === 0 ? 'Please provide a stack, layer or instance ID' : onlyOne),
    );
  }
  if (stackId !== null && stackId !== config.stackId) return refused(unknownStack(stackId));
  if (layerId !== null && layerId !== config.layerId) {
    return refused(opsworksErrors.notFound(`Unable to find layer with ID ${layerId}`));
  }
  const missing = instanceIds.find((id) => byOpsworksId(facts, id) === undefined);
  if (missing !== undefined) return refused(unknownInstance(missing));
  const instances = [...facts.instances.values()]
    .filter(({ opsworksId }) => instanceIds.length === 0 || instanceIds.includes(opsworksId))
    .map((instance) => instanceView(facts, instance, atMs));
  return done({ action: request.action, instances });
}

const onlyOne = 'Please provide only one resource-identifying parameter';

function byOpsworksId(facts: Facts, opsworksId: string): Instance | undefined {
  return [...facts.instances.values()].find((instance) => instance.opsworksId === opsworksId);
}

const unknownIp = (ip: string) => opsworksErrors.notFound(`Unable to find elastic IP ${ip}`);
const unknownInstance = (id: string) => opsworksErrors.notFound(`Unable to find instance with ID ${id}`);
const unknownStack = (id: string) => opsworksErrors.notFound(`Unable to find stack with ID ${id}`);
