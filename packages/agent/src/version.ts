/** The agent's version, written in when it is built (scripts/build.mjs). */
declare const FAILTOME_VERSION: string;

/** The version of failtome, set by the build. */
export const VERSION: string = FAILTOME_VERSION;
