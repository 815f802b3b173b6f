import { startDevServer } from './server.ts';
import { SyntheticCluster } from './synthetic-cluster.ts';

const port = Number(process.env['PORT'] ?? 4199);
const { url } = await startDevServer(new SyntheticCluster(), { port });
console.log(`A made-up cluster answers at ${url}; for live reload run: npx vite`);
