/** A policy as IAM's own JSON, as a CloudFormation template, and as Terraform's configuration language. */
import { Document } from 'yaml';
import type { Policy, Statement } from './policy.ts';

/** How a policy is written. */
export type PolicyFormat = 'json' | 'cloudformation' | 'terraform';

/** The whole file, with its last line ended. */
export function policyText(policy: Policy, format: PolicyFormat, cluster: string): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(policy, null, 2)}\n`;
    case 'cloudformation':
      return cloudFormation(policy, cluster);
    case 'terraform':
      return terraform(policy, cluster);
  }
}

function describe(cluster: string): string {
  return `What the nodes of the failtome cluster ${cluster} may do`;
}

/** A managed policy; `Roles` of the stack that has the nodes' role attaches it. */
function cloudFormation(policy: Policy, cluster: string): string {
  const template = {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: describe(cluster),
    Resources: {
      FailtomePolicy: {
        Type: 'AWS::IAM::ManagedPolicy',
        Properties: { Description: describe(cluster), PolicyDocument: policy },
      },
    },
    Outputs: {
      FailtomePolicyArn: {
        Description: "To attach to the role of the nodes' instance profile",
        Value: { Ref: 'FailtomePolicy' },
      },
    },
  };
  // Lists that occur twice are written twice: CloudFormation knows no anchors.
  const document = new Document(template, { aliasDuplicateObjects: false });
  return document.toString({ lineWidth: 0, defaultStringType: 'PLAIN' });
}

function terraform(policy: Policy, cluster: string): string {
  return `data "aws_iam_policy_document" "failtome" {
${policy.Statement.map(terraformStatement).join('\n')}}

resource "aws_iam_policy" "failtome" {
  name_prefix = ${quoted(`failtome-${cluster}-`.slice(0, MAX_NAME_PREFIX))}
  description = ${quoted(describe(cluster))}
  policy      = data.aws_iam_policy_document.failtome.json
}

output "failtome_policy_arn" {
  description = ${quoted("To attach to the role of the nodes' instance profile")}
  value       = aws_iam_policy.failtome.arn
}
`;
}

/** Of the provider's `name_prefix`: it adds 26 characters to a name of at most 128. */
const MAX_NAME_PREFIX = 102;

function terraformStatement({ Sid, Action, Resource, Condition = {} }: Statement): string {
  const conditions = Object.entries(Condition).flatMap(([test, keys]) =>
    Object.entries(keys).map(
      ([variable, values]) => `
    condition {
      test     = ${quoted(test)}
      variable = ${quoted(variable)}
      values   = ${quotedList(values)}
    }
`,
    ),
  );
  return `  statement {
    sid       = ${quoted(Sid)}
    effect    = "Allow"
    actions   = ${quotedList(Action)}
    resources = ${quotedList(Resource)}
${conditions.join('')}  }
`;
}

function quotedList(values: readonly string[]): string {
  return `[${values.map(quoted).join(', ')}]`;
}

/** A string of HCL: JSON's, with its two kinds of templates taken literally (HCL Native Syntax, "Template Literals"). */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{');
}
