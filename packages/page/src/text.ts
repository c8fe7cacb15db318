/** Ages, times and names in words. Times are in UTC, as in every node's log. */

/** Such as `430 ms`, `1.2 s`, `48 s`, `3 min`, `2 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 172_800_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** Such as `48 s ago`; in whole seconds, so that nothing flickers. */
export function ago(ms: number): string {
  return ms < 2_000 ? 'now' : `${duration(ms)} ago`;
}

/** Such as `12:03:45Z`. */
export function clock(at: number): string {
  return isTime(at) ? `${new Date(at).toISOString().slice(11, 19)}Z` : 'at an unknown time';
}

/** Such as `2026-01-31 12:03:45Z`. */
export function moment(at: number): string {
  return isTime(at) ? `${new Date(at).toISOString().replace('T', ' ').slice(0, 19)}Z` : clock(at);
}

/** For `<time datetime>`; empty where there is none. */
export function machineTime(at: number): string {
  return isTime(at) ? new Date(at).toISOString() : '';
}

/** What a date can be (ECMA-262, 21.4.1.1); whatever a peer tells. */
function isTime(at: number): boolean {
  return Number.isFinite(at) && Math.abs(at) <= 8.64e15 && at > 0 && at < 253_402_300_800_000;
}

/** A sentence ends; it may begin with a node's name, which is written as it is. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
