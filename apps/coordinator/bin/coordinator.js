import { startProgram } from '../../../libs/observability/bin/start-program.js';

await startProgram('coordinator', new URL('../dist/main.js', import.meta.url));
