/** An upstream that shows the requests it receives. */
import { once } from 'node:events';
import { createServer } from 'node:http';

import { escape, page } from './pages.mjs';

/**
 * Starts the upstream on a loopback port. `received` holds every request as
 * `{method, path, headers: [[name, value]]}`.
 */
export async function startUpstream({ port, others = [] }) {
  const received = [];
  const server = createServer((request, response) => {
    const headers = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) headers.push([request.rawHeaders[i].toLowerCase(), request.rawHeaders[i + 1]]);
    const seen = { method: request.method, path: request.url, headers };
    received.push(seen);
    const html = (request.headers.accept ?? '').includes('text/html');
    response.setHeader('content-type', html ? 'text/html; charset=utf-8' : 'application/json');
    response.end(html ? show(seen, others) : JSON.stringify(seen));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    received,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The groups in a header: separated by commas, each percent-encoded. */
export const groupsIn = (header) => (header ? header.split(',').map(decodeURIComponent) : []);

function show({ method, path, headers }, others) {
  const value = (name) => headers.find(([n]) => n === name)?.[1];
  const decoded = (name) => escape(decodeURIComponent(value(name) ?? ''));
  const list = (items) => `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;
  return page('Signed in', `
<table>
<tr><th>User</th><td id="user">${decoded('x-auth-request-user')}</td></tr>
<tr><th>E-mail</th><td id="email">${decoded('x-auth-request-email')}</td></tr>
<tr><th>Tenant</th><td id="tenant">${decoded('x-auth-request-tenant')}</td></tr>
<tr><th>Groups</th><td id="groups">${list(groupsIn(value('x-auth-request-groups')).map(escape))}</td></tr>
<tr><th>Page</th><td><code id="page">${escape(`${method} ${path}`)}</code></td></tr>
</table>
<p><a id="sign-out" href="/oauth2/logout">Sign out</a> <a id="admin" href="/admin/">Administration</a></p>
${others.length ? `<p>Tenants: ${others.map((url) => `<a href="${escape(url)}">${escape(url)}</a>`).join(', ')}</p>` : ''}
<h2>Headers that arrived</h2>
<table>${headers.map(([n, v]) => `<tr><th><code>${escape(n)}</code></th><td><code>${escape(v)}</code></td></tr>`).join('')}</table>`);
}
