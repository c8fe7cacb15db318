/** What the agent and the simulator both know of configuration files: YAML with its places, durations, and the keys. */
export * from './durations.ts';
export * from './fault-text.ts';
export * from './presets.ts';
export * from './yaml-tree.ts';
