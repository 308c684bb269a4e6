/** The token endpoint of the issuer, for the logins of the benchmark. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import { accessToken, idToken } from './identity.mjs';

/** What the authorization endpoint would return: a code that says what its tokens have to be. */
export const codeFor = (grant) => Buffer.from(JSON.stringify(grant)).toString('base64url');

/**
 * Starts the token endpoint on a loopback port. `signer(issuer)` returns `{alg, kid, key}`.
 * The access token has the same groups as the ID token: `oauth2` forwards it to `jwt_authn`.
 */
export async function startIssuer(port, signer) {
  const server = createServer(async (request, response) => {
    const grant = JSON.parse(Buffer.from(new URLSearchParams(await text(request)).get('code'), 'base64url'));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({
      token_type: 'Bearer', expires_in: 7200,
      access_token: accessToken('RS256', 0, { groups: grant.groups }),
      id_token: idToken({ ...signer(grant.issuer), ...grant }),
    }));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
