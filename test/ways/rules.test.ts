/** The security groups of the templates are the rules that `failtome init` tells people to make, and no others. */
import { expect, test } from 'vitest';
import { nextStepsText } from '../../packages/agent/src/setup/cluster-plan.ts';
import { deployed } from './blocks.ts';
import { isFields, parseTemplate, stackOf } from './cloudformation-template.ts';
import { moduleBlocks } from './terraform-module.ts';

/** What may come in: a port, and from whom. */
type Rule = readonly [port: number, from: string, on: string];

const sorted = (rules: readonly Rule[]): readonly string[] => [...new Set(rules.map(String))].sort();

/** A row of init's table has one node each; the templates' groups have all of a kind. */
function rulesOfInit(): readonly string[] {
  const text = nextStepsText({
    cluster: 'haproxy',
    ips: ['54.173.141.243'],
    nodes: [
      { id: 'a', role: 'candidate', address: '10.0.1.11' },
      { id: 'b', role: 'candidate', address: '10.0.2.11' },
      { id: 'w', role: 'witness', address: '10.0.3.11' },
    ],
    topicArn: null,
    table: null,
    arbiter: false,
    path: '/',
    keySecret: null,
    dir: '/etc/failtome',
  });
  const rows = [...text.matchAll(/^\| (\w) \| TCP (\d+) \| (\S+) \|/gm)];
  const kind = (id: string | undefined): string => (id === 'w' ? 'witness' : 'node');
  const rules = rows.map(([, on, port, from = '']): Rule => {
    const isPeer = from.startsWith('10.0.');
    return [Number(port), isPeer ? 'peers' : from, kind(on)];
  });
  expect(text).toContain('admit\nthe shared address');
  return sorted([...rules, [80, '54.173.141.243/32', 'node']]);
}

test('of the CloudFormation template', () => {
  const { resources } = stackOf(
    parseTemplate(deployed('cloudformation/failtome.yaml')),
    { WitnessSubnet: 'subnet-0c' },
    { 'Address.PublicIp': '54.173.141.243' },
  );
  const groupsOf = (name: string): string => JSON.stringify(resources[name]?.Properties);
  const rules = Object.values(resources).flatMap(({ Type, Properties }): readonly Rule[] => {
    if (Type !== 'AWS::EC2::SecurityGroupIngress' || !isFields(Properties)) return [];
    const { FromPort, ToPort, IpProtocol, CidrIp, SourceSecurityGroupId, GroupId } = Properties;
    expect({ ToPort, IpProtocol }).toEqual({ ToPort: FromPort, IpProtocol: 'tcp' });
    const from = SourceSecurityGroupId === '<PeerGroup>' ? 'peers' : String(CidrIp);
    const on = { node: 'NodeA', witness: 'Witness' };
    return Object.entries(on)
      .filter(([, name]) => groupsOf(name).includes(String(GroupId)))
      .map(([kind]) => [Number(FromPort), from, kind]);
  });
  expect(sorted(rules)).toEqual(rulesOfInit());
  expect(groupsOf('NodeB').replace('SubnetB', 'SubnetA')).toContain('<ServiceGroup>');
});

test('of the Terraform module', async () => {
  const blocks = await moduleBlocks();
  const bodyOf = (name: string) => JSON.stringify(blocks.find((block) => block.name === name)?.body);
  const defaults = blocks.find(({ name, type }) => type === 'variable' && name === 'client_cidrs')?.body
    .default;
  const rules = blocks.flatMap(({ name, body }): readonly Rule[] => {
    if (!name.startsWith('aws_vpc_security_group_ingress_rule.')) return [];
    const { from_port, to_port, ip_protocol, cidr_ipv4 = '', security_group_id } = body;
    expect({ to_port, ip_protocol }).toEqual({ to_port: from_port, ip_protocol: 'tcp' });
    const cidr = String(cidr_ipv4);
    const from =
      cidr === ''
        ? 'peers'
        : cidr.includes('each.value')
          ? String(defaults)
          : cidr.replace(/^.*\}/, '54.173.141.243');
    const group = String(security_group_id).slice(2, -1);
    return ['node', 'witness']
      .filter((kind) => bodyOf(`aws_instance.${kind}`)?.includes(group) === true)
      .map((kind) => [Number(from_port), from, kind]);
  });
  expect(sorted(rules)).toEqual(rulesOfInit());
});
