/** The scenarios that come with the package, A to L, each with each of its seeds. */
import { testHalf } from './built-in-scenarios.ts';

testHalf('first');
