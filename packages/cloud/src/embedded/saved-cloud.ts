/** What a cloud remembers over a restart: the account, as data that JSON holds. */
import type { ArmedFault, AwsEvent, AwsState, Counters, ElasticAddress, Instance } from '../model/index.ts';
import type { SavedSessions } from './credentials.ts';

/** What an embedded cloud keeps of its account from one run to the next. */
export interface SavedCloud {
  /** The cloud's clock, which every time in here is on; it goes on from there. */
  readonly nowMs: number;
  readonly instances: readonly Instance[];
  readonly addresses: readonly ElasticAddress[];
  readonly revoked: readonly string[];
  readonly faults: readonly ArmedFault[];
  readonly counters: Counters;
  /** Messages that SNS accepted and associations that began or ended; the newest, at most `savedEventBound`. */
  readonly events: readonly AwsEvent[];
  readonly sessions: SavedSessions;
}

/** The most events that are kept, the newest of them. */
export const savedEventBound = 1_000;

/** Another cloud's memory: it has other instances or addresses than this one. */
export class OtherCloudError extends Error {
  override readonly name = 'OtherCloudError';
}

/** What there is to keep of an account. */
export function savedFrom(
  state: AwsState,
  rest: Pick<SavedCloud, 'nowMs' | 'events' | 'sessions'>,
): SavedCloud {
  return {
    nowMs: rest.nowMs,
    instances: [...state.instances.values()],
    addresses: [...state.addresses.values()],
    revoked: [...state.revoked],
    faults: state.faults,
    counters: state.counters,
    events: rest.events.slice(-savedEventBound),
    sessions: rest.sessions,
  };
}

/** What each address is: an account in which one is something else is another. */
function describe({ addresses }: Pick<AwsState, 'addresses'>): readonly string[] {
  return [...addresses.values()].flatMap(({ publicIp, subnetId, routes }) => {
    if (routes !== undefined) return [`${publicIp} by ${Object.keys(routes).toSorted().join(' and ')}`];
    return subnetId === undefined ? [] : [`${publicIp} of ${subnetId}`];
  });
}

/**
 * A fresh account with what was saved put into it.
 *
 * @throws OtherCloudError when the two have different instances or addresses
 */
export function restoredInto(fresh: AwsState, saved: SavedCloud): AwsState {
  const instances = new Map(saved.instances.map((each) => [each.id, each]));
  const addresses = new Map(saved.addresses.map((each) => [each.publicIp, each]));
  refuseOther('instances', [...fresh.instances.keys()], [...instances.keys()]);
  refuseOther('addresses', [...fresh.addresses.keys()], [...addresses.keys()]);
  refuseOther('kinds of address', describe(fresh), describe({ addresses }));
  const { faults, counters } = saved;
  return { ...fresh, instances, addresses, revoked: new Set(saved.revoked), faults, counters, past: [] };
}

function refuseOther(what: string, wanted: readonly string[], saved: readonly string[]): void {
  const [mine, theirs] = [wanted.toSorted(), saved.toSorted()];
  if (mine.join() === theirs.join()) return;
  throw new OtherCloudError(`it is about the ${what} ${listed(theirs)}, not ${listed(mine)}`);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? '(none)' : names.join(', ');
}
