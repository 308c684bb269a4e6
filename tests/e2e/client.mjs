/** An HTTP client with a cookie jar. It connects to loopback for every host. */
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': 'none' };

export class Client {
  /** host → cookie name → value */
  jar = new Map();

  /**
   * Sends one request and keeps the cookies of the answer. Returns
   * `{status, headers, location, setCookies, body}`.
   */
  async send(url, { method = 'GET', headers = {}, form } = {}) {
    const { hostname, host, port, pathname, search } = new URL(url);
    const cookies = this.jar.get(hostname) ?? new Map();
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const sent = request({
      host: '127.0.0.1', port, method, path: pathname + search, agent: false,
      headers: { host, ...(cookie && { cookie }), ...(form && { 'content-type': 'application/x-www-form-urlencoded' }), ...headers },
    });
    sent.end(form && new URLSearchParams(form).toString());
    const [response] = await once(sent, 'response');
    const setCookies = response.headers['set-cookie'] ?? [];
    for (const line of setCookies) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s);
      if (value === '' || /max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    this.jar.set(hostname, cookies);
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
