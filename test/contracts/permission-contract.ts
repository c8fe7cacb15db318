/** What a driver has to do that proves by dry runs whether it may make the calls of a move. */
import { expect, test } from 'vitest';
import type { AwsAction } from '../../packages/cloud/src/model/index.ts';
import { drive, type Holder, type PermittedDriverWorld, permit } from './driver-world.ts';

/** An action that a move needs while somebody or nobody holds the address, and how many dry runs prove it. */
export type NeededPermission = readonly [action: AwsAction, holder: Holder, dryRuns: number];

/** The protocol asks again every ten seconds. */
export function describePermission(
  opened: (holder: Holder) => Promise<PermittedDriverWorld>,
  needed: readonly NeededPermission[],
): void {
  test.each(needed)(
    'has no permission for a move while %s is revoked and the holder is %s',
    async (action, holder, dryRuns) => {
      const there = await opened(holder);
      there.permit(action, 'revoked');
      expect((await drive(there, permit)).answer).toMatchObject({
        kind: 'refused',
        throttled: false,
        code: 'UnauthorizedOperation',
      });
      there.permit(action, 'granted');
      const { answer, requests } = await drive(there, permit);
      expect(answer).toEqual({ kind: 'permitted' });
      const operation = `${action.slice('ec2:'.length)}DryRun`;
      expect(requests.filter((request) => request.operation === operation)).toHaveLength(dryRuns);
      expect(await there.holder()).toBe(holder);
    },
  );
}
