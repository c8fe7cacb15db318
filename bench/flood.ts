/** A process of strangers, for `strangers.ts`: floods the URLs that it is given until it is ended. */
import { setPriority } from 'node:os';
import { Flood } from '../test/e2e/support/flood.ts';
import { OPEN_READS, REFUSED_REQUESTS } from '../test/e2e/support/waves.ts';

/** What strangers do with their own machine is no business of the node's: here it must not take the agents' turns. */
setPriority(19);
new Flood(process.argv.slice(2), [...OPEN_READS, ...REFUSED_REQUESTS]);
process.once('disconnect', () => process.exit(0));
