/**
 * Text from outside (a peer, an operator, a service, a cloud), made safe to be shown.
 *
 * Some characters don't show and change how others do: controls move the cursor or forge lines, bidirectional controls
 * turn text around so that it reads as another one (Unicode Technical Report 36, 3.6), separators break lines, and
 * format characters hide a difference. One list for every place where such text meets a person.
 */

/** For a class of a regular expression with the flag `u`: controls, format characters, half surrogate pairs, separators. */
export const UNSHOWN = '\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}';

const RUN = new RegExp(`[${UNSHOWN}]+`, 'gu');
const ONE = new RegExp(`[${UNSHOWN}]`, 'gu');
/** In JSON text the controls below space are escaped already, but for the line breaks between its parts. */
const ONE_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** On one line, with a space for what doesn't show. */
export function plainText(text: string): string {
  return text.replaceAll(RUN, ' ').trim();
}

/** With the code of what doesn't show in its place, as `\u202e`. */
export function escapedText(text: string): string {
  return text.replaceAll(ONE, unitsOf);
}

/** The same JSON with such characters escaped: it decodes to the same value, and nothing in it turns text around. */
export function escapedJson(json: string): string {
  return json.replaceAll(ONE_IN_JSON, unitsOf);
}

function unitsOf(character: string): string {
  let text = '';
  for (let unit = 0; unit < character.length; unit += 1)
    text += `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  return text;
}
