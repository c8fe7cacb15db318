/** A node's configuration as the agent reads it. */
import { parse } from 'yaml';

/** Anything that a YAML file of plain data can hold. */
export type YamlValue =
  | string
  | number
  | boolean
  | null
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue };

/** A part of a configuration file. As an override, null takes a key out. */
export type YamlObject = { readonly [key: string]: YamlValue };

/** What a configuration file holds, for whoever wants to write it anew with something changed. */
export function settingsIn(text: string): unknown {
  return parse(text);
}

/** The base with the override's keys in it: objects are merged, all else is replaced, null takes out. */
export function merge(base: YamlObject, override: YamlObject): YamlObject {
  const merged: Record<string, YamlValue> = { ...base };
  for (const [key, value] of Object.entries(override)) {
    const present = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) && isObject(present) ? merge(present, value) : value;
  }
  return merged;
}

function isObject(value: YamlValue | undefined): value is YamlObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
