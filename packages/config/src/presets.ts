/** Whole sets of timings by one word. What each is worth on a network is on the page about settings (docs/tuning.md). */

/** From the calmest to the quickest. */
export const PRESETS = ['patient', 'balanced', 'quick'] as const;
/** One of them. */
export type Preset = (typeof PRESETS)[number];

/** What counts where the file names none. */
export const USUAL_PRESET: Preset = 'balanced';

/** A default for each preset. */
export type ByPreset<T> = Readonly<Record<Preset, T>>;

/** The preset that a file names; the usual one where it names none, or nothing that is one. */
export function presetNamed(written: unknown): Preset {
  return PRESETS.find((one) => one === written) ?? USUAL_PRESET;
}

/** The default of each preset, as documentation shows it. */
export function presetText(values: ByPreset<string | number>): string {
  const others = PRESETS.filter((preset) => preset !== USUAL_PRESET);
  return `\`${values[USUAL_PRESET]}\`; ${others.map((preset) => `${preset} \`${values[preset]}\``).join(', ')}`;
}
