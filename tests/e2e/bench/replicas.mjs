/** Two Envoys with Tenantgate whose sign-outs go through one etcd. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';

import { TOP } from '../envoy.mjs';
import { freePorts } from '../ports.mjs';
import { startProcess, waitFor } from '../process.mjs';
import { tenantgate, type } from './filters.mjs';
import { GROUPS, HOST, ISSUER, jwt } from './identity.mjs';
import { startIssuer } from './issuer.mjs';
import { signIn } from './login.mjs';

/** How often each Envoy polls, in seconds. */
export const INTERVAL = 1;
const WRITERS = 16;
/** For so many milliseconds no worker has taken a session that is over for all. */
const QUIET = 300;
/** After so many milliseconds the sign-out is lost. */
const LONGEST = 20_000;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

const address = (port) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
const cluster = (name, port) => ({
  name, connect_timeout: '1s', load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
});

/** The configuration of one Envoy. */
function bootstrap({ gateway, admin }, clusters) {
  const filter = tenantgate(
    { store: { etcd: { cluster: 'etcd', prefix: '/replicas/', interval: `${INTERVAL}s` } } },
    { login: { backchannel_logout_path: '/oauth2/backchannel-logout' } },
  );
  // The body of a logout token is read.
  filter.config.allow_on_headers_stop_iteration = true;
  const manager = type('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: 'gateway',
    http_filters: [
      { name: 'tenantgate', typed_config: filter },
      { name: 'router', typed_config: type('envoy.extensions.filters.http.router.v3.Router') },
    ],
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }] },
  });
  return {
    admin: { address: address(admin) },
    static_resources: {
      listeners: [{ name: 'gateway', address: address(gateway), filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }] }],
      clusters,
    },
  };
}

/** Starts two Envoys of two workers. `dir` is a folder for their files, `etcd` the port of etcd. */
export async function startReplicas(dir, etcd) {
  const ports = await freePorts(['issuer', ...[0, 1].flatMap((number) => [`gateway${number}`, `admin${number}`])]);
  const issuer = await startIssuer(ports.issuer, () => ({ alg: 'RS256' }));
  const envoys = [];
  const gateway = (number) => ports[`gateway${number}`];

  async function start(number) {
    const config = join(dir, `replica${number}.json`);
    const admin = ports[`admin${number}`];
    writeFileSync(config, JSON.stringify(bootstrap({ gateway: gateway(number), admin }, [cluster('etcd', etcd), cluster('issuer', ports.issuer)])), { mode: 0o600 });
    const arguments_ = ['-c', config, '--disable-hot-restart', '--concurrency', '2', '-l', 'error'];
    envoys[number] = startProcess(join(TOP, 'target/venv/bin/envoy'), arguments_, { log: join(dir, `replica${number}.log`) });
    await waitFor(envoys[number], async () => {
      if (!(await fetch(`http://127.0.0.1:${admin}/ready`)).ok) throw new Error('Envoy is not ready');
    }, 60);
  }
  async function stop() {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await issuer.stop();
  }

  /** Sends a request to an Envoy, and returns the status. */
  function send(number, path, { method = 'GET', headers = {}, body, agent } = {}) {
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port: gateway(number), path, method, agent, headers: { host: HOST, ...headers } }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode));
      });
      call.on('error', reject).end(body);
    });
  }
  const page = (number, cookies) => send(number, '/page', { headers: { cookie: cookies.join('; '), accept: 'text/html' } });

  /** Signs a person in at the first Envoy. */
  const signedIn = () => signIn(gateway(0), { groups: GROUPS.few });

  /**
   * The seconds from the answer to a sign-out at the first Envoy until no worker of the second one
   * takes the session any more.
   */
  async function delay() {
    const cookies = await signedIn();
    if (await page(1, cookies) !== 200) throw new Error('the second Envoy does not take the session');
    const headers = { cookie: cookies.join('; '), accept: 'text/html', 'sec-fetch-site': 'same-origin' };
    await send(0, '/oauth2/logout', { method: 'POST', headers });
    const begin = performance.now();
    let last = begin;
    while (performance.now() - last < QUIET) {
      if (await page(1, cookies) === 200) last = performance.now();
      if (last - begin > LONGEST) throw new Error('the sign-out does not reach the second Envoy');
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
    return (last - begin) / 1000;
  }

  /** Lets the issuer end sessions of one user, so many times. */
  async function endSessions(count) {
    let left = count;
    const writer = async () => {
      const agent = new Agent({ keepAlive: true });
      while (left > 0) {
        left -= 1;
        const iat = Math.floor(Date.now() / 1000);
        const claims = { iss: ISSUER, aud: 'gate', sub: 'robot', iat, exp: iat + 120, jti: randomUUID(), events: { [LOGOUT_EVENT]: {} } };
        const body = new URLSearchParams({ logout_token: jwt({ alg: 'RS256', typ: 'logout+jwt' }, claims) }).toString();
        const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length };
        const status = await send(0, '/oauth2/backchannel-logout', { method: 'POST', headers, body, agent });
        if (status !== 200) throw new Error(`a logout token was answered with ${status}`);
      }
      agent.destroy();
    };
    await Promise.all(Array.from({ length: WRITERS }, writer));
  }

  /** The milliseconds of the first request with a session in a new process. */
  async function firstRequest(cookies) {
    await envoys[1].stop();
    await start(1);
    const begin = performance.now();
    const status = await page(1, cookies);
    if (status !== 200) throw new Error(`the session was answered with ${status}`);
    return performance.now() - begin;
  }

  try {
    await Promise.all([start(0), start(1)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { signedIn, delay, endSessions, firstRequest, stop };
}
