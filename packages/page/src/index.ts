/** The status page of a cluster, as the agent makes it. */
export { type PageParts, renderPage } from './document.tsx';
