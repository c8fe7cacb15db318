/** What a web hook needs beside its own values: where it is, what signs, and a name that no other receiver has. */

import type { Fault } from './fault.ts';
import { isLoopback } from './host.ts';
import { httpUrl } from './http-url.ts';
import type { Key } from './key-table.ts';
import * as notifyKeys from './notify-keys.ts';
import { get, lengthOf, NOTHING, originOf, pathOf, type Settings } from './settings.ts';

/** The remark on a URL that is asked without TLS, somewhere else than on this machine. */
export const READ_ON_THE_WAY = 'http: whoever is on the way can read it, and what is told';

/** Whether the URL leaves this machine in the clear. */
export function isReadOnTheWay(url: string): boolean {
  const { secure, host } = httpUrl(url);
  return !secure && !isLoopback(host) && host !== 'localhost';
}

/** Every fault of combination. */
export function webhookFaults(settings: Settings): readonly Fault[] {
  const count = lengthOf(settings, 'notify.webhook');
  const all = Array.from({ length: count }, (_, index) => faultsOf(settings, index));
  return [...all.flat(), ...sameNames(settings, count)];
}

function faultsOf(settings: Settings, index: number): readonly Fault[] {
  const form = get(settings, notifyKeys.WEBHOOK_FORM, index);
  if (form === null) return [];
  const has = (key: Key<unknown>): boolean => settings.entries.has(pathOf(key, index));
  const [url, urlFile, keyFile] = [
    notifyKeys.WEBHOOK_URL,
    notifyKeys.WEBHOOK_URL_FILE,
    notifyKeys.WEBHOOK_KEY_FILE,
  ].map(has);
  const at = (key: Key<unknown>, found: string, expected: string, hint = ''): Fault => ({
    path: pathOf(key, index),
    found,
    expected,
    hint,
    origin: has(key) ? originOf(settings, key, index) : null,
  });
  const faults: Fault[] = [];
  if (url === true && urlFile === true)
    faults.push(at(notifyKeys.WEBHOOK_URL_FILE, 'a file', 'none, because url is given'));
  if (url !== true && urlFile !== true && form !== 'pagerduty')
    faults.push(
      at(
        notifyKeys.WEBHOOK_URL,
        NOTHING,
        notifyKeys.WEBHOOK_URL.kind.expected,
        'or a file that holds it, as urlFile',
      ),
    );
  if (form === 'pagerduty' && keyFile !== true)
    faults.push(
      at(
        notifyKeys.WEBHOOK_KEY_FILE,
        NOTHING,
        'a file that holds the integration key, because form is pagerduty',
      ),
    );
  if (form === 'slack' && keyFile === true)
    faults.push(
      at(notifyKeys.WEBHOOK_KEY_FILE, 'a file', 'none, because form is slack, whose URL is the secret'),
    );
  return faults;
}

/** What waits is kept by the receiver's name. */
function sameNames(settings: Settings, count: number): readonly Fault[] {
  const names = Array.from({ length: count }, (_, index) => get(settings, notifyKeys.WEBHOOK_NAME, index));
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    if (name === null || first === index) return [];
    const path = pathOf(notifyKeys.WEBHOOK_NAME, index);
    const expected = 'a name of its own';
    const hint = `${pathOf(notifyKeys.WEBHOOK_NAME, first)} is that already`;
    return [
      {
        path,
        found: `"${name}"`,
        expected,
        hint,
        origin: originOf(settings, notifyKeys.WEBHOOK_NAME, index),
      },
    ];
  });
}
