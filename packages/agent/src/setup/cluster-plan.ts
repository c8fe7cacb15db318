/** What `failtome init` writes: the configuration that is the same on every node, and what to do next. */
import { isIPv6 } from 'node:net';
import type { Ip, NodeId } from '@failtome/protocol';
import { TABLE_KEY } from '../config/store-keys.ts';

/** The port of the nodes' API. */
const API_PORT = 8741;

/** A node of a cluster that is being set up. */
export interface PlannedNode {
  readonly id: NodeId;
  readonly role: 'candidate' | 'witness';
  /** Private, as the other nodes reach it. */
  readonly address: string;
}

/** A cluster that is being set up. */
export interface ClusterPlan {
  readonly cluster: string;
  readonly ips: readonly Ip[];
  readonly nodes: readonly PlannedNode[];
  readonly topicArn: string | null;
  /** The table of DynamoDB by which the voters hear each other where they are cut off; null: there is none. */
  readonly table: string | null;
  /** The table is the third voter of the pair, too. */
  readonly arbiter: boolean;
  /** What probes ask the nodes' HAProxy for. */
  readonly path: string;
  /** The ARN of the secret that holds the key; null: the key is a new one. */
  readonly keySecret: string | null;
  /** Where the files are, on every node. */
  readonly dir: string;
}

/** `failtome.yaml`. */
export function configText({
  cluster,
  ips,
  nodes,
  topicArn,
  table,
  arbiter,
  path,
  dir,
}: ClusterPlan): string {
  const peers = nodes.map(({ id, role, address }) => {
    const url = JSON.stringify(`http://${hostOf(address)}:${API_PORT}`);
    return `  - { id: ${JSON.stringify(id)}, url: ${url}${role === 'witness' ? ', role: witness' : ''} }`;
  });
  const notify = topicArn === null ? '' : `notify:\n  sns: { topicArn: ${JSON.stringify(topicArn)} }\n`;
  const store = table === null ? '' : `store: { kind: dynamodb, table: ${JSON.stringify(table)} }\n`;
  const agreement = arbiter ? 'agreement: { arbiter: true } # the table is the third voter\n' : '';
  const probe = path === '/' ? '' : `\n    probe: { path: ${JSON.stringify(path)} }`;
  return `# The same file on every node: each knows its own entry of peers by its address, or by FAILTOME_NODE_ID.
# \`failtome config\` shows every setting with its default, \`failtome check\` tries all of it.
cluster: ${JSON.stringify(cluster)}
peers:
${peers.join('\n')}
auth:
  keyFile: ${JSON.stringify(`${dir}/cluster.key`)}
addresses:
${ips.map((ip) => `  - ip: ${JSON.stringify(ip)}${probe}`).join('\n')}
local:
  url: ${JSON.stringify(`http://127.0.0.1${path}`)} # does this node's own HAProxy answer?
driver:
  kind: ec2
${store}${agreement}${notify}`;
}

/** `NEXT-STEPS.md`. */
export function nextStepsText(plan: ClusterPlan): string {
  const { dir } = plan;
  const config = `${dir}/failtome.yaml`;
  return `# Next steps for the cluster ${plan.cluster}

Nothing here is secret. Delete this page when it is done.

## 1. Security groups

Inbound rules of the nodes, one a row.

| on | protocol and port | from | for |
| --- | --- | --- | --- |
${peerRules(plan).join('\n')}
${serviceRules(plan).join('\n')}

A probe goes the way a client goes, out and back in through the shared address. So where clients are not everybody, admit
the shared address and each candidate's own public address besides.

Outbound, from every candidate: TCP 443 to the endpoints of EC2${plan.topicArn === null ? '' : ', SNS'}${plan.table === null ? '' : ', DynamoDB'} and STS in the region, TCP 80 to checkip.amazonaws.com and to
${plan.ips.join(', ')}, TCP ${API_PORT} to the other nodes. A witness needs TCP ${API_PORT} to the others, and the probed port${plan.table === null ? '' : ', DynamoDB'} and checkip.amazonaws.com as they do.

## 2. The same two files on every other node

${plan.keySecret === null ? copySteps(plan) : 'By the same `failtome init` there: the key comes from the secret, and the configuration is the same.'}

## 3. What the candidates may do in AWS

\`\`\`
failtome iam -c ${config}${plan.keySecret === null ? '' : ` --key-secret ${plan.keySecret}`} > failtome-policy.json
\`\`\`

Attach it to the role of the candidates' instance profile, as an inline policy or with \`--format cloudformation\` or \`--format terraform\`.${plan.table === null ? '' : `\n\n${tableSteps(plan.table)}`}

## 4. On every node

\`\`\`
failtome check -c ${config}
systemctl enable --now failtome
\`\`\`

The check names a remedy for whatever is missing. Of peers whose agent doesn't run yet it says so; run it again when all are started.
`;
}

function tableSteps(table: string): string {
  return `Once, with your own credentials, where there is no table \`${table}\` in the region of the nodes yet:

\`\`\`
${createTableCommand(table)}
\`\`\``;
}

/** The AWS command line that makes a table such as a store needs. */
function createTableCommand(table: string): string {
  return [
    `aws dynamodb create-table --table-name ${table} --billing-mode PAY_PER_REQUEST \\`,
    `  --attribute-definitions AttributeName=${TABLE_KEY},AttributeType=S --key-schema AttributeName=${TABLE_KEY},KeyType=HASH`,
  ].join('\n');
}

function copySteps({ nodes, dir }: ClusterPlan): string {
  return `From this node; the modes and groups stay.

\`\`\`
${nodes.map((node) => copyCommand(node, dir)).join('\n')}
\`\`\`

Leave out the line with this node's own address.`;
}

function peerRules({ nodes }: ClusterPlan): readonly string[] {
  return nodes.flatMap((to) =>
    nodes
      .filter(({ id }) => id !== to.id)
      .map((from) => `| ${to.id} | TCP ${API_PORT} | ${sourceOf(from.address)} | the agent of ${from.id} |`),
  );
}

function serviceRules({ nodes, ips }: ClusterPlan): readonly string[] {
  const everybody = ips.some((ip) => isIPv6(ip)) ? '0.0.0.0/0 and ::/0' : '0.0.0.0/0';
  return nodes
    .filter(({ role }) => role === 'candidate')
    .map(({ id }) => `| ${id} | TCP 80 | ${everybody} | clients, and the probes of all nodes |`);
}

/** A rule takes ranges, and a name is none. */
function sourceOf(address: string): string {
  if (isIPv6(address)) return `${address}/128`;
  return /^[\d.]+$/.test(address) ? `${address}/32` : `the private address of ${address}`;
}

function copyCommand({ address }: PlannedNode, dir: string): string {
  const target = shellWord(dir);
  const receive = shellWord(`sudo mkdir -p ${target} && sudo tar -C ${target} -xpf -`);
  return `sudo tar -C ${target} -cf - failtome.yaml cluster.key | ssh ${address} ${receive}`;
}

function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function hostOf(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}
