import { startProgram } from '../../../libs/observability/bin/start-program.js';

await startProgram('worker', new URL('../dist/main.js', import.meta.url));
