/** From what real nodes recorded to a plan that shows the like. */
export { derivedPlan } from './derived-plan.ts';
export { recordedCourse } from './recorded-course.ts';
