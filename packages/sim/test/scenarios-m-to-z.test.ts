/** The scenarios that come with the package, M to Z, each with each of its seeds. */
import { testHalf } from './built-in-scenarios.ts';

testHalf('second');
