/**
 * `failtome-sim tune`: what settings are worth on a network, and which would be better.
 */
export { presetSettings } from './candidates.ts';
export { networkFrom } from './from-metrics.ts';
export { COARSE, FULL } from './measure.ts';
export { type NetworkModel, USUAL_NETWORK } from './network-model.ts';
export { startTuners, workIfTuneWorker } from './tasks.ts';
export { type TuneResult, tune } from './tune.ts';
export { tuningPage } from './tuning-page.ts';
export { describeTuning } from './tuning-text.ts';
