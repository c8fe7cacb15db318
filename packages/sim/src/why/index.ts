/**
 * From an outage to its causes: when it became likely, by branches of the run, and what would have come under other rules.
 */

export { savedScenario } from './save.ts';
export { variantOf } from './variant.ts';
export { type Compared, compared, outcomesOf } from './what-if.ts';
export { isOutage, type Why, whyOutage } from './why.ts';
export { whyPart } from './why-page.ts';
export { describeCompared, describeNone, describeWhy } from './why-text.ts';
export {
  doWhyTask,
  startBranching,
  type WhyTask,
  type WhyTaskResult,
  workIfWhyWorker,
} from './why-worker.ts';
