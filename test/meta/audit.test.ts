/** What `npm run audit` says where the registry has nothing to say. */
import { expect, test } from 'vitest';
import { unanswered } from '../../scripts/audit.mjs';

test.each([
  [
    ' ERR_PNPM_AUDIT_BAD_RESPONSE  The audit endpoint (at https://npm.example/-/npm/v1/security/audits/quick) responded with 405: .',
    /^https:\/\/npm\.example has no audit endpoint/,
  ],
  ['request to https://npm.example/ failed, reason: getaddrinfo ENOTFOUND npm.example', /can't be reached/],
])('a registry that gives no report is told as that', (output, message) => {
  expect(unanswered(output)).toMatch(message);
});

test('a report is passed on as it is', () => {
  expect(unanswered('2 vulnerabilities found\nSeverity: 1 low | 1 high')).toBeNull();
});
