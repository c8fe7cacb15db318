/** The least policy as `failtome iam` makes it, with a template's own names in place of what is known only when it is used. */
import { Document, type ScalarTag } from 'yaml';
import { policyText } from '../../packages/agent/src/iam/formats.ts';
import { type Grant, leastPolicy, type Statement } from '../../packages/agent/src/iam/policy.ts';

/** What a template fills in. */
const slot = (name: string): string => `\${${name}}`;

const cloudFormation: Grant = {
  driver: {
    kind: 'ec2',
    partition: slot('AWS::Partition'),
    region: slot('AWS::Region'),
    account: slot('AWS::AccountId'),
    addresses: [{ ip: '', allocationId: slot('Id') }],
    nodes: { kind: 'profile', arns: [slot('NodeProfile.Arn')] },
    subnets: [slot('SubnetA'), slot('SubnetB')],
  },
  topicArn: slot('Topic'),
  tableArn: slot('ArbiterTable.Arn'),
  keySecretArn: slot('Key'),
};

const terraform: Grant = {
  driver: {
    kind: 'ec2',
    partition: slot('data.aws_partition.current.partition'),
    region: slot('data.aws_region.current.region'),
    account: slot('data.aws_caller_identity.current.account_id'),
    addresses: [{ ip: '', allocationId: slot('local.allocation_id') }],
    nodes: { kind: 'profile', arns: [slot('aws_iam_instance_profile.node.arn')] },
    subnets: [slot('subnet_id')],
  },
  topicArn: slot('local.topic_arn'),
  tableArn: slot('aws_dynamodb_table.arbiter[0].arn'),
  keySecretArn: slot('aws_secretsmanager_secret.key.arn'),
};

/** A third voter that is a node looks the others up and reads the key, once. */
const WITNESS = new Set(['ReadAddressesAndInstances', 'ReadTheKey']);
/** Of one that is a table the nodes have this besides. */
const ARBITER = new Set(['RelayMessages']);

type Who = 'node' | 'arbiter' | 'witness';

function statementsOf(grant: Grant, who: Who): readonly Statement[] {
  const { Statement } = leastPolicy(grant);
  switch (who) {
    case 'node':
      return Statement.filter(({ Sid }) => !ARBITER.has(Sid));
    case 'arbiter':
      return Statement.filter(({ Sid }) => ARBITER.has(Sid));
    case 'witness':
      return Statement.filter(({ Sid }) => WITNESS.has(Sid));
  }
}

/** Whatever has something to fill in is for `Fn::Sub`. */
const sub: ScalarTag = {
  tag: '!Sub',
  identify: (value) => typeof value === 'string' && value.includes('${'),
  resolve: (text) => text,
};

/** The statements as a list of YAML, a line each. */
export function cloudFormationStatements(who: Who): readonly string[] {
  const document = new Document(statementsOf(cloudFormation, who), {
    aliasDuplicateObjects: false,
    customTags: (tags) => [sub, ...tags],
  });
  const text = document.toString({ lineWidth: 0, defaultStringType: 'PLAIN' });
  return text.trimEnd().split('\n').flatMap(withGivenId);
}

/** The allocation id is the parameter's, or that of the address that the stack makes. */
function withGivenId(line: string): readonly string[] {
  const [, indent, quoted] = /^( *)- !Sub (.*\$\{Id\}.*)$/.exec(line) ?? [];
  if (indent === undefined) return [line];
  // In the form that the formatter of this repository gives it.
  return [
    `${indent}- !Sub [`,
    `${indent}    "${quoted}",`,
    `${indent}    { Id: !If [MakeAddress, !GetAtt Address.AllocationId, !Ref AllocationId] },`,
    `${indent}  ]`,
  ];
}

/** `policy.tf`. */
export function terraformPolicies(): string {
  const documents = (['node', 'arbiter', 'witness'] as const).map((who) => {
    const text = policyText(
      { Version: '2012-10-17', Statement: statementsOf(terraform, who) },
      'terraform',
      '',
    );
    const [document = ''] = text.split('\nresource ');
    return document
      .replace(
        '"failtome" {',
        who === 'arbiter' ? '"arbiter" {\n  count = var.arbiter ? 1 : 0\n' : `"${who}" {`,
      )
      .replaceAll('$${', '${')
      .replace(/\[("[^"]*\$\{subnet_id\}")\]/, '[for subnet_id in local.subnet_ids : $1]');
  });
  return `# Generated: what failtome iam prints, with the module's own names.\n${documents.join('\n')}`;
}
