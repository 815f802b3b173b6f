import '@fontsource-variable/inter';
import 'uplot/dist/uPlot.min.css';
import './theme/tokens.css';
import './theme/base.css';
import './theme/components.css';
import './theme/pages.css';
import './theme/charts.css';
import './theme/try-it.css';
import './theme/evaluation.css';
import './theme/data.css';
import './theme/narrow.css';
import { render } from 'preact';
import { takeTokenFromAddress } from './api/token.ts';
import { App } from './app.tsx';
import { startRouter } from './router.ts';
import { startChartSettings } from './state/chart-settings.ts';
import { startHead } from './state/head.ts';
import { startLive } from './state/live.ts';
import { startTheme } from './state/theme.ts';

takeTokenFromAddress();
// A link that is pasted into a tab where the page is open already does not load it anew.
addEventListener('hashchange', takeTokenFromAddress);

startTheme();
startRouter();
startChartSettings();
startLive();
startHead();

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
