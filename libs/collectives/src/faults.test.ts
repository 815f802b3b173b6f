import { bySockets, testFaults } from './testing/fault-cases.ts';

testFaults(bySockets);
