import { startProgram } from '../../observability/bin/start-program.js';

await startProgram('inference', new URL('../dist/program/main.js', import.meta.url));
