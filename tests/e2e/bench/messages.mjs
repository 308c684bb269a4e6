/** The requests of the benchmark: those of browsers and those of API clients. */
import { HOST } from './identity.mjs';

/** What Chromium sends when a person follows a link. */
const BROWSER = [
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0.0.0 Safari/537.36'],
  ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8'],
  ['accept-encoding', 'gzip, deflate, br, zstd'],
  ['accept-language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['cache-control', 'max-age=0'],
  ['dnt', '1'],
  ['priority', 'u=0, i'],
  ['referer', 'https://acme.example/orders?page=2'],
  ['sec-ch-ua', '"Chromium";v="148", "Not_A Brand";v="24", "Google Chrome";v="148"'],
  ['sec-ch-ua-mobile', '?0'],
  ['sec-ch-ua-platform', '"Linux"'],
  ['sec-fetch-dest', 'document'],
  ['sec-fetch-mode', 'navigate'],
  ['sec-fetch-site', 'same-origin'],
  ['sec-fetch-user', '?1'],
  ['upgrade-insecure-requests', '1'],
];

/** Cookies of others that such a browser has for the host: analytics, consent, preferences. */
const FOREIGN_COOKIES = [
  '_ga=GA1.1.1402871263.1774528412', '_ga_7K2M9XQ41B=GS2.1.s1774871023$o14$g1$t1774871544$j60$l0$h0',
  '_fbp=fb.1.1774528412874.83520417', 'consent=analytics:1|marketing:0|ts:1774528409', 'theme=dark', 'locale=en-GB',
];

const API_CLIENT = [['user-agent', 'orders-client/2.4 (linux)'], ['accept', 'application/json'], ['accept-encoding', 'gzip']];

/** A request of a browser. Without `session`, its `name=value` pairs, there is none. */
export function browserRequest({ host = HOST, path = '/', session = [] } = {}) {
  // The session was set last, so browsers send it last.
  return { host, path, headers: [...BROWSER, ['cookie', [...FOREIGN_COOKIES, ...session].join('; ')]] };
}

/** A request of an API client, with a token if there is one. */
export function apiRequest(token, { host = HOST, path = '/' } = {}) {
  return { host, path, headers: [...API_CLIENT, ...(token ? [['authorization', `Bearer ${token}`]] : [])] };
}

/** Requests as lines of a file: HTTP/1.1, with CR for each end of a line. */
export const asLines = (requests) => requests.map(({ host, path, headers }) => (
  [`GET ${path} HTTP/1.1`, `host: ${host}`, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r'))).join('\n');
