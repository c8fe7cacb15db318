/** A piece of XML text that needs no more escaping. */
export interface Xml {
  readonly xml: string;
}

/** An element with the given children; text is escaped, absent children are left out. */
export function element(name: string, ...children: readonly (Xml | string | number | boolean | null)[]): Xml {
  const inner = children.map((child) => {
    if (child === null) return '';
    return typeof child === 'object' ? child.xml : escapeText(String(child));
  });
  return { xml: `<${name}>${inner.join('')}</${name}>` };
}

/** An element, or nothing where there is no value. */
export function optional(name: string, value: string | null | undefined): Xml | null {
  return value === null || value === undefined ? null : element(name, value);
}

/** A list in EC2's way: an element of `item`s. */
export function items(name: string, list: readonly (readonly (Xml | null)[])[]): Xml {
  return element(name, ...list.map((children) => element('item', ...children)));
}

/** A whole document; the namespace, where given, is the root's. */
export function xmlDocument(
  root: string,
  namespace: string | null,
  ...children: readonly (Xml | null)[]
): string {
  const inner = children.map((child) => child?.xml ?? '').join('');
  const attribute = namespace === null ? '' : ` xmlns="${namespace}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root}${attribute}>${inner}</${root}>\n`;
}

function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
