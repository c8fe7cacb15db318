/** The description of the API that `/openapi.json` answers, written in when the agent is built (scripts/build.mjs). */
declare const FAILTOME_OPENAPI: string;

/** Nothing of it is made before somebody asks. */
export function openApiText(): string {
  return FAILTOME_OPENAPI;
}
