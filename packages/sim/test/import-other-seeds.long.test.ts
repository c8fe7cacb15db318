/** More seeds that are imported as those of `import.test.ts` are. */
import { testImported } from './imported-seeds.ts';

testImported([10, 14, 15, 21, 24]);
