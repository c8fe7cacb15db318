// npm run mutants -- --help tells what can be chosen.
import { runTool } from './tool.mjs';

await runTool('test/mutants/main.ts', 'failtome-mutants');
