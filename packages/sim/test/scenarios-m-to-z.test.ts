/** The scenarios that come with the package, M to Z, each with its first seed. */
import { testHalf } from './built-in-scenarios.ts';

testHalf('second');
