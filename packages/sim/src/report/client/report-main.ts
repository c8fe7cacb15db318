/** The report's script: reads the trace that the page carries, and shows it. */
import type { RecordedRun } from '../../record/records.ts';
import { App } from './app.ts';
import { createControls } from './controls.ts';
import { place } from './dom.ts';
import { createOverview } from './overview.ts';
import { createPanel } from './panel.ts';
import { createList } from './record-list.ts';
import { createTimeline } from './timeline-view.ts';
import { createWhy } from './why-view.ts';

const run = JSON.parse(place('trace').textContent ?? '') as RecordedRun; // written into the page by the report itself
place('trace').remove();
const app = new App(run);
createControls(app);
createTimeline(app);
createOverview(app);
createWhy(app);
createPanel(app);
createList(app);
app.set({});
