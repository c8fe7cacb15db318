// Text as man(7) wants it (groff_man(7)): what would be read as a request or an escape is written so that it isn't.

/** @param {string} text */
export function escaped(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replace(/[\u{80}-\u{10ffff}]/gu, byNumber);
}

/** groff reads bytes of Latin-1, unless a character is named by its number. @param {string} character */
function byNumber(character) {
  return `\\[u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** A line of its own. @param {string} text already escaped */
export function line(text) {
  return /^[.']/.test(text) ? `\\&${text}` : text;
}

/** @param {string} text */
export const bold = (text) => `\\fB${escaped(text)}\\fR`;

/** @param {string} text */
export const italic = (text) => `\\fI${escaped(text)}\\fR`;

/** Given as it is, line by line. @param {string} text */
export function literal(text) {
  const lines = text.split('\n').map((one) => line(escaped(one)));
  return ['.PP', '.RS 4', '.nf', ...lines, '.fi', '.RE'];
}

/**
 * The first lines of a page. It has the day of the sources, so that the same sources give the same page.
 * @param {{ title: string, section: number, version: string, epochS: number, about: string }} page
 */
export function heading({ title, section, version, epochS, about }) {
  const [day] = new Date(epochS * 1000).toISOString().split('T');
  return [
    `.TH ${escaped(title.toUpperCase())} ${section} ${day} "failtome ${version}" "failtome"`,
    '.nh',
    '.ad l',
    '.SH NAME',
    `${escaped(title)} \\- ${escaped(about)}`,
  ];
}
