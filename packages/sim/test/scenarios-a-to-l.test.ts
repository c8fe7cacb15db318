/** The scenarios that come with the package, A to L, each with its first seed. */
import { testHalf } from './built-in-scenarios.ts';

testHalf('first');
