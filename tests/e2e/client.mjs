/** An HTTP client with a cookie jar. For http it connects to loopback, whatever the host. */
import { once } from 'node:events';
import { request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };

export class Client {
  /** host, or host and path of cookies for one path → cookie name → value */
  jar = new Map();

  /** `ca` is the certificate of the authority that is trusted for https, in PEM. */
  constructor({ ca } = {}) {
    this.ca = ca;
  }

  /** Another client with the cookies that this one has now. */
  copy() {
    return Object.assign(new Client({ ca: this.ca }), { jar: structuredClone(this.jar) });
  }

  /** The cookies for one path come first, RFC 6265 section 5.4. */
  #cookiesFor(hostname, pathname) {
    const paths = [...this.jar.keys()].filter((key) => `${hostname}${pathname}/`.startsWith(`${key.replace(/\/$/, '')}/`));
    return paths.sort((a, b) => b.length - a.length).flatMap((key) => [...this.jar.get(key)]);
  }

  #keep(hostname, line) {
    const [name, value] = line.split(';')[0].split(/=(.*)/s);
    const path = line.match(/;\s*path=([^;]*)/i)?.[1] ?? '/';
    const key = path === '/' ? hostname : `${hostname}${path}`;
    if (!this.jar.has(key)) this.jar.set(key, new Map());
    if (value === '' || /max-age=0|expires=Thu, 01 Jan 1970/i.test(line)) this.jar.get(key).delete(name);
    else this.jar.get(key).set(name, value);
  }

  /**
   * Sends one request and keeps the cookies of the answer. Returns
   * `{status, headers, location, setCookies, body}`.
   */
  async send(url, { method = 'GET', headers = {}, form, json } = {}) {
    const { protocol, hostname, host, port, pathname, search } = new URL(url);
    const cookie = this.#cookiesFor(hostname, pathname).map(([name, value]) => `${name}=${value}`).join('; ');
    const type = form ? 'application/x-www-form-urlencoded' : json && 'application/json';
    const isTls = protocol === 'https:';
    const sent = (isTls ? tlsRequest : request)({
      host: isTls && !this.ca ? hostname : '127.0.0.1', servername: hostname, ca: this.ca, port, method, path: pathname + search, agent: false,
      headers: { host, ...(cookie && { cookie }), ...(type && { 'content-type': type }), ...headers },
    });
    sent.end(json ? JSON.stringify(json) : form && new URLSearchParams(form).toString());
    const [response] = await once(sent, 'response');
    const setCookies = response.headers['set-cookie'] ?? [];
    for (const line of setCookies) this.#keep(hostname, line);
    const location = response.headers.location && new URL(response.headers.location, url).href;
    return { status: response.statusCode, headers: response.headers, location, setCookies, body: await text(response) };
  }

  /** Opens a page by navigation. */
  open(url, headers = {}) {
    return this.send(url, { headers: { ...NAVIGATION, ...headers } });
  }

  /** Follows redirects from `url` until another answer, or until `stop` is true for a URL. */
  async follow(url, stop = () => false) {
    for (let hops = 0; hops < 20; hops += 1) {
      if (stop(url)) return { url };
      const answer = await this.open(url);
      if (!answer.location) return { url, ...answer };
      url = answer.location;
    }
    throw new Error(`too many redirects, the last one to ${url}`);
  }

  /** Opens `url`, signs in at the provider, and follows the redirects until `stop`. */
  async signIn(url, user, password, stop) {
    const form = await this.follow(url);
    const answer = await this.send(form.url, { method: 'POST', form: { user, password } });
    return answer.location ? this.follow(answer.location, stop) : answer;
  }
}
