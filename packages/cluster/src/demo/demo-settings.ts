import type { YamlObject } from '../index.ts';

/** A lease this short is only for a demo: a voter that starts for the first time lends nothing for one lease. */
const lease = '4s';
const check = { interval: '500ms', timeout: '500ms' };
const holdDown = '3s';

/** What the demo sets otherwise than the defaults, so that nobody has to wait. */
export function settingsOf(): { readonly settings: YamlObject; readonly probe: YamlObject } {
  return {
    settings: { agreement: { lease }, local: check, holdDown },
    probe: { ...check, fastInterval: '250ms' },
  };
}

/** In which settings the demo differs from the defaults, as one line. */
export function describeSettings(): string {
  const { interval, timeout } = check;
  const checks = `checks every ${interval} (1s by default) with a time-out of ${timeout} (1s)`;
  return `the defaults, but: ${checks}, lease ${lease} (10s), hold-down ${holdDown} (60s)`;
}
