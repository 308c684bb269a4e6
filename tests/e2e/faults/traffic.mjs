/**
 * Mixed traffic: sessions, bearer tokens and logins of two tenants, and requests that nothing may
 * forward. The upstream compares each request with what its sender is.
 */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { TENANTS } from './gate.mjs';
import { Issuer } from './issuer.mjs';

const USERS = 4;
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };
const FORGED = { 'x-auth-request-user': 'root', 'x-auth-request-tenant': 'acme', 'x-auth-request-groups': 'admins' };

/** After this time without an answer, a client gives up. */
const PATIENCE_MS = 10_000;

/** One request: `{status, headers}`; the status of one without an answer is `none`. */
export function send(port, { host, path = '/', headers = {}, agent = false }) {
  return new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path, agent, headers: { host, ...headers } }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, headers: answer.headers }))
        .on('error', () => resolve({ status: 'none', headers: {} }));
    });
    sent.setTimeout(PATIENCE_MS, () => sent.destroy());
    sent.on('error', () => resolve({ status: 'none', headers: {} })).end();
  });
}

const cookiesOf = ({ headers }) => (headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).filter((pair) => !pair.endsWith('='));

/**
 * Begins a login of this tenant: `{callback, cookies}`, or the answer that is no redirect to the
 * issuer.
 */
export async function beginLogin(port, tenant, user) {
  const host = `${tenant}.example`;
  const begin = await send(port, { host, headers: NAVIGATION });
  if (begin.status !== 302) return begin;
  const asked = new URL(begin.headers.location);
  const query = new URLSearchParams({ code: Issuer.code(asked, user), state: asked.searchParams.get('state'), iss: asked.origin });
  return { callback: `${new URL(asked.searchParams.get('redirect_uri')).pathname}?${query}`, cookies: cookiesOf(begin).join('; ') };
}

/** Signs in: `{status, session}`, where a session that there is is a cookie line. */
export async function signIn(port, tenant, user) {
  const { callback, cookies, ...refused } = await beginLogin(port, tenant, user);
  if (!callback) return refused;
  const end = await send(port, { host: `${tenant}.example`, path: callback, headers: { ...NAVIGATION, cookie: cookies } });
  const session = cookiesOf(end).filter((pair) => pair.includes('session')).join('; ');
  return { status: end.status, session: end.status === 302 && session !== '' ? session : undefined };
}

export class Traffic {
  /**
   * `pause` is the time between two requests of a client in milliseconds. With `fresh`, some bearer
   * tokens are new in each request.
   */
  constructor(gate, { pause = 10, fresh = false, port = () => gate.gateway() } = {}) {
    Object.assign(this, { gate, pause, fresh, port, isOver: false, clients: [], logins: 0 });
    this.agent = new Agent({ keepAlive: true });
    this.count = { sent: 0, answers: {}, lost: 0, unserved: 0 };
    /** The sessions that were not accepted, and requests that got another answer than they may. */
    this.unexpected = [];
  }

  /** Signs users in, and begins. */
  async start() {
    this.senders = [];
    for (const tenant of TENANTS) {
      for (let i = 0; i < USERS; i += 1) {
        const user = `user-${i}`;
        const { session, status } = await signIn(this.port(), tenant, user);
        if (!session) throw new Error(`no login at ${tenant}: ${status}\n${this.gate.log()}`);
        this.senders.push({ kind: 'session', tenant, user, headers: { cookie: session } });
      }
      const token = this.gate.issuers[tenant].accessToken('robot');
      this.senders.push({ kind: 'bearer', tenant, user: 'robot', headers: { authorization: `Bearer ${token}` } });
    }
    const [first] = this.senders;
    const altered = first.headers.cookie.replace(/.{8}$/, 'AAAAAAAA');
    const strangers = [{}, FORGED, { cookie: altered }, { authorization: 'Bearer x.y.z' }];
    for (const headers of strangers) this.senders.push({ kind: 'stranger', tenant: 'acme', user: 'nobody', headers });
    // A session of one tenant at the other.
    this.senders.push({ kind: 'stranger', tenant: 'globex', user: 'user-0', headers: { cookie: first.headers.cookie } });
    this.clients = [...this.senders.map((sender) => this.#requests(sender)), ...TENANTS.map((tenant) => this.#logins(tenant))];
  }

  async stop() {
    this.isOver = true;
    await Promise.all(this.clients);
    this.agent.destroy();
  }

  #note(status) {
    this.count.sent += 1;
    this.count.answers[status] = (this.count.answers[status] ?? 0) + 1;
  }

  /** One request of this sender, with its answer. */
  async request(sender) {
    const { kind, tenant, user, headers } = sender;
    const { status } = await send(this.port(), {
      host: `${tenant}.example`, agent: this.agent, headers: { ...headers, 'x-test-user': user, 'x-test-tenant': tenant },
    });
    this.#note(status);
    if (kind === 'stranger' || status === 200) return status;
    // 5xx or no answer says nothing about the session.
    if (status === 'none' || status >= 500) {
      this.count.unserved += 1;
    } else {
      this.count.lost += 1;
      this.unexpected.push(`${kind} of ${user} at ${tenant}: ${status}`);
    }
    return status;
  }

  async #requests(sender) {
    while (!this.isOver) {
      if (this.fresh && sender.kind === 'bearer') sender.headers = { authorization: `Bearer ${this.gate.issuers[sender.tenant].accessToken('robot')}` };
      await this.request(sender);
      await sleep(this.pause);
    }
  }

  async #logins(tenant) {
    while (!this.isOver) {
      this.logins += 1;
      const { status } = await signIn(this.port(), tenant, `new-${this.logins}`);
      this.#note(status);
      await sleep(this.pause);
    }
  }

  /** Waits until every sender is served and each tenant has a login. */
  async recovered(seconds = 20) {
    const deadline = Date.now() + seconds * 1000;
    const known = this.senders.filter(({ kind }) => kind !== 'stranger');
    for (;;) {
      const statuses = await Promise.all(known.map((sender) => this.request(sender)));
      const logins = await Promise.all(TENANTS.map((tenant) => signIn(this.port(), tenant, 'again')));
      if (statuses.every((status) => status === 200) && logins.every(({ session }) => session)) return true;
      if (Date.now() > deadline) {
        this.unexpected.push(`after the fault: ${statuses}, logins ${logins.map(({ status }) => status)}`);
        return false;
      }
      await sleep(200);
    }
  }
}
