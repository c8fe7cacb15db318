/** Shapes of IP addresses. */
import { isIPv4, isIPv6 } from 'node:net';
import { canonicalIpv6 } from '@failtome/cloud/model';
import { type Shape, scalar } from './shape.ts';

const NO = { hint: '' };

/** An IPv4 address. */
export const ipv4: Shape<string> = scalar(
  'an IPv4 address, such as 198.51.100.200',
  { type: 'string', format: 'ipv4' },
  (value) => (typeof value === 'string' && isIPv4(value) ? { value } : NO),
);

/** An IPv4 address, or an IPv6 address in its canonical form. */
export const movable: Shape<string> = scalar(
  'an IPv4 or IPv6 address, such as 198.51.100.200',
  { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
  (value) => {
    if (typeof value !== 'string' || /[%]|:.*\./.test(value)) return NO;
    if (isIPv4(value)) return { value };
    return isIPv6(value) ? { value: canonicalIpv6(value) } : NO;
  },
);
