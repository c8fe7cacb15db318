/** The CloudFormation template: AWS's own specification of its resources, and all that it refers to. Only AWS can create it. */
import { describe, expect, test } from 'vitest';
import { deployed } from './blocks.ts';
import { resourceType, schemaFaults } from './cloudformation-schema.ts';
import { functionIn, isFields, type Json, parseTemplate, stackOf } from './cloudformation-template.ts';

const text = deployed('cloudformation/failtome.yaml');
const template = parseTemplate(text);
const needed = {
  VpcId: 'vpc-0a',
  SubnetA: 'subnet-0a',
  SubnetB: 'subnet-0b',
  ImageId: 'ami-0a',
  PackageUrl: 'https://packages.example.org/failtome.deb',
  PackageSha256: 'a'.repeat(64),
};
const variants: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['with nothing but what is required', {}],
  [
    'with everything',
    {
      WitnessSubnet: 'subnet-0c',
      ExtraSecurityGroup: 'sg-0a',
      KeyName: 'ops',
      ElasticIp: '54.173.141.243',
      AllocationId: 'eipalloc-0a',
      NotificationEmail: 'ops@example.org',
      ClientCidr: '203.0.113.0/24',
    },
  ],
  ['with a witness', { WitnessSubnet: 'subnet-0c' }],
  ['with an arbiter', { Arbiter: 'yes' }],
  ['without instances', { Instances: 'none', WitnessSubnet: 'subnet-0c' }],
];

const stacks = variants.map(([name, given]) => [name, stackOf(template, { ...needed, ...given })] as const);

test('CloudFormation takes a template of this size as it is', () => {
  expect(Buffer.byteLength(text)).toBeLessThan(51_200);
});

describe.each(stacks)('%s', (_, { resources, faults, outputs }) => {
  test('all references lead to something that exists', () => {
    expect(faults).toEqual([]);
    expect(Object.entries(outputs).filter(([, value]) => value === null || value === '')).toEqual([]);
  });

  test.each(Object.entries(resources))('%s is as AWS specifies it', (_name, { Type, Properties }) => {
    expect(schemaFaults(String(Type), Properties ?? {})).toEqual([]);
  });
});

test('every attribute that is asked for exists', () => {
  const asked = [...text.matchAll(/!GetAtt (\w+)\.(\w+)|\$\{(\w+)\.(\w+)\}/g)];
  expect(asked.length).toBeGreaterThan(0);
  for (const [, a, b, c, d] of asked) {
    const resource = template.Resources[a ?? c ?? ''];
    const type = isFields(resource) ? String(resource.Type) : '';
    expect(Object.keys(resourceType(type).attributes), `${a ?? c}`).toContain(b ?? d);
  }
});

/** Everything that a part of the template names. */
function namesIn(value: Json): readonly string[] {
  const call = functionIn(value);
  if (call !== null && typeof call[1] === 'string' && call[0] !== 'Fn::Sub') return [call[1]];
  if (typeof value === 'string') return [...value.matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name);
  if (Array.isArray(value)) return value.flatMap(namesIn);
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, each]) => [
    ...(key === 'Fn::If' && Array.isArray(each) ? [String(each[0])] : []),
    ...(key === 'Condition' ? [String(each)] : []),
    ...namesIn(each),
  ]);
}

test('every parameter and every condition is used, and every parameter and output is described', () => {
  const { Parameters = {}, Conditions = {}, Resources, Outputs = {}, Rules = {} } = template;
  const used = new Set([Conditions, Resources, Outputs, Rules].flatMap(namesIn));
  expect([...Object.keys(Parameters), ...Object.keys(Conditions)].filter((name) => !used.has(name))).toEqual(
    [],
  );
  for (const [name, each] of [...Object.entries(Parameters), ...Object.entries(Outputs)])
    expect(isFields(each) ? String(each.Description).length : 0, name).toBeGreaterThan(10);
});

test('the console shows every parameter, and only those', () => {
  const groups = JSON.stringify(template.Metadata);
  expect(Object.keys(template.Parameters ?? {}).filter((name) => !groups.includes(`"${name}"`))).toEqual([]);
});

test('the stack never associates the address, and no update of it restarts or replaces a node by itself', () => {
  const types = Object.values(template.Resources).map((each) => (isFields(each) ? each.Type : null));
  expect(types).not.toContain('AWS::EC2::EIPAssociation');
  for (const name of ['NodeA', 'NodeB', 'Witness']) {
    const node = stacks[2]?.[1].resources[name];
    const properties = isFields(node?.Properties) ? node.Properties : {};
    expect(properties, name).not.toHaveProperty('UserData');
    expect(properties, name).not.toHaveProperty('ImageId');
    expect(properties.LaunchTemplate).toEqual({ LaunchTemplateId: '<NodeTemplate>', Version: '1' });
  }
});

test('a fault of the kinds that these tests look for is found', () => {
  const broken = (from: string, to: string) => stackOf(parseTemplate(text.replace(from, to)), needed);
  expect(broken('!Ref NodeRole]', '!Ref NodeRoll]').faults).toEqual(['Ref NodeRoll']);
  expect(broken('DependsOn: [WitnessPolicy', 'DependsOn: [NodePolice').faults).toEqual([]);
  expect(broken('DependsOn: [NodePolicy', 'DependsOn: [WitnessPolicy').faults).toEqual([
    'DependsOn WitnessPolicy',
  ]);
  expect(() => parseTemplate(text.replace('!Ref NodeRole', '!Reff NodeRole'))).toThrow();
  expect(schemaFaults('AWS::EC2::EIP', { Domian: 'vpc' })).toEqual(['AWS::EC2::EIP.Domian does not exist']);
  expect(schemaFaults('AWS::SNS::Subscription', { TopicArn: 'x' })).toContain(
    'AWS::SNS::Subscription.Protocol is missing',
  );
});
