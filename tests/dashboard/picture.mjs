/**
 * Draws docs/monitoring/dashboard.png: Envoy with two providers and users for some minutes,
 * Prometheus, the queries of the dashboard, and Grafana's components in Chromium.
 *
 *     npm install && node picture.mjs [SECONDS]
 */
import { build } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { LAUNCH } from '../e2e/chromium.mjs';
import { Client } from '../e2e/client.mjs';
import { listedAccounts, people } from '../e2e/people.mjs';
import { freePorts } from '../e2e/ports.mjs';
import { startPrometheus } from '../e2e/prometheus.mjs';
import { origin, startStack } from '../e2e/stack.mjs';

const { chromium } = createRequire(new URL('../e2e/package.json', import.meta.url))('playwright-core');
const monitoring = (name) => fileURLToPath(new URL(`../../docs/monitoring/${name}`, import.meta.url));
const seconds = Number(process.argv[2] ?? 240);
const any = (list) => list[Math.floor(Math.random() * list.length)];
const dir = mkdtempSync(join(tmpdir(), 'tenantgate-'));

/** A person after the other signs in, opens pages, is refused, and sometimes signs out. */
async function visit(ports, until, pause) {
  for (let first = true; Date.now() < until; first = false) {
    const tenant = any(['acme', 'acme', 'globex']);
    const [home, client, { uid, password }] = [origin(tenant, ports), new Client(), any(people[tenant])];
    await client.signIn(`${home}/`, uid, password);
    for (let page = 0; page < 4; page += 1) {
      await client.open(home + any(['/', '/reports', '/admin/']));
      await sleep(900);
    }
    if (Math.random() < 0.3) await client.open(`${home}/oauth2/logout`);
    if (first || Math.random() < 0.1) await client.open(`${home}/oauth2/callback?state=x&code=y`);
    await new Client().send(`${home}/api`, { headers: { authorization: 'Bearer x.y.z' } });
    await sleep(pause * (1.4 + Math.sin(Date.now() / 40_000)));
  }
}

/** The panels of the dashboard with the series that Prometheus has for them. */
async function panels(prometheus, since) {
  const dashboard = JSON.parse(readFileSync(monitoring('dashboard.json'), 'utf8'));
  const legend = (format, { metric }) => format.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '');
  return Promise.all(dashboard.panels.map(async (panel) => ({
    ...panel,
    series: (await Promise.all(panel.targets.map(async ({ expr, legendFormat }) => {
      const query = expr.replaceAll('$__rate_interval', '20s').replaceAll('$__range', '5m').replaceAll(/\$\w+/g, '.*');
      return (await prometheus.range(query, since, 3)).map((series) => ({ name: legend(legendFormat, series), values: series.values }));
    }))).flat(),
  })));
}

/** Bundles the components, with their styles and fonts. */
const bundle = () => build({
  entryPoints: [fileURLToPath(new URL('panels.jsx', import.meta.url))], outfile: join(dir, 'panels.js'), bundle: true, logLevel: 'error',
  loader: { '.ttf': 'dataurl' }, define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
});

/** Draws the panels. */
async function draw(content) {
  const style = 'body{margin:0;font-size:14px;line-height:1.57}*{box-sizing:border-box}h2{margin:0;font-weight:500;font-size:14px}';
  const page = join(dir, 'page.html');
  writeFileSync(page, `<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="panels.css"><style>${style}</style><div id="root"></div>
    <script>window.PANELS = ${JSON.stringify(content)}</script><script src="panels.js"></script>`);
  const browser = await chromium.launch(LAUNCH);
  const tab = await browser.newPage({ viewport: { width: 1200, height: 800 } });
  tab.on('pageerror', (error) => { throw error; });
  await tab.goto(`file://${page}`);
  const drawn = content.filter(({ type, series }) => type === 'timeseries' && series.length > 0);
  await tab.locator('canvas').nth(drawn.length - 1).waitFor();
  await tab.screenshot({ path: monitoring('dashboard.png'), fullPage: true });
  await browser.close();
}

await bundle();
const ports = await freePorts(['gateway', 'acme', 'globex', 'upstream', 'admin', 'prometheus']);
const stack = await startStack({ ports, dir, accounts: listedAccounts, discovered: ['acme', 'globex'], refreshAfter: { acme: 5, globex: 5 } });
const prometheus = await startPrometheus({ port: ports.prometheus, adminPort: ports.admin, dir: join(dir, 'prometheus'), rules: monitoring('alerts.yaml') });
try {
  const began = Date.now();
  await Promise.all([900, 1200, 1500].map((pause) => visit(ports, began + seconds * 1000, pause)));
  await draw(await panels(prometheus, began / 1000 + 25));
} finally {
  await prometheus.stop();
  await stack.stop();
  rmSync(dir, { recursive: true, force: true });
}
