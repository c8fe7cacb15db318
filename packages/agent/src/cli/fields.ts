/** How JSON of an agent of whatever version is read: the same as the page reads it. */
export { type Fields, fieldsOf, listOf, numberOf, textOf, textsOf } from '@failtome/page/fields';
