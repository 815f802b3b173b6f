import { byMemory, testFaults } from './testing/fault-cases.ts';

testFaults(byMemory);
