/**
 * The templates have their policies from `failtome iam` and their script from one place. `npm test -- test/ways/generated.test.ts -u`
 * writes them anew.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootstrap, deploy, deployed, linesOf, withBlock } from './blocks.ts';
import { cloudFormationStatements, terraformPolicies } from './policies.ts';

test('the CloudFormation template has the least policies and the script', async () => {
  const path = 'cloudformation/failtome.yaml';
  const text = [
    ['node policy', cloudFormationStatements('node')] as const,
    ['arbiter policy', cloudFormationStatements('arbiter')] as const,
    ['witness policy', cloudFormationStatements('witness')] as const,
    ['bootstrap.sh', linesOf(bootstrap)] as const,
  ].reduce((whole, [name, lines]) => withBlock(whole, name, lines), deployed(path));
  await expect(text).toMatchFileSnapshot(join(deploy, path));
});

test('the Terraform module has the least policies and the script', async () => {
  await expect(terraformPolicies()).toMatchFileSnapshot(join(deploy, 'terraform/policy.tf'));
  await expect(bootstrap).toMatchFileSnapshot(join(deploy, 'terraform/bootstrap.sh'));
});

test('the user data for cloud-init has the script', async () => {
  const path = 'cloud-init/user-data.yaml';
  const text = withBlock(deployed(path), 'bootstrap.sh', linesOf(bootstrap));
  await expect(text).toMatchFileSnapshot(join(deploy, path));
});
