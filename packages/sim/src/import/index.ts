/** Real incidents: what nodes have recorded, taken again. */
export { type Incident, incidentOf } from './incident.ts';
