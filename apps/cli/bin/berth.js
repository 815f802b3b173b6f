#!/usr/bin/env node
import { startProgram } from '../../../libs/observability/bin/start-program.js';

await startProgram('cli', new URL('../dist/main.js', import.meta.url));
