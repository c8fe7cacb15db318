/** The scenarios that come with the package, each with all of its seeds but the first. */
import { testOtherSeeds } from './built-in-scenarios.ts';

testOtherSeeds();
