/** The ports of the servers. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The ports in envoy/envoy.yaml. */
export const DEFAULT_PORTS = { gateway: 8080, acme: 8081, globex: 8082, upstream: 8083, admin: 9901 };

/** The gateway on `port`, the other servers on the ports after it. */
export const portsFrom = (port) => ({ gateway: port, acme: port + 1, globex: port + 2, upstream: port + 3, admin: port + 4 });

async function listen(port) {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The names of the `ports` that are in use. */
export async function busy(ports) {
  const taken = [];
  for (const [name, port] of Object.entries(ports)) {
    try {
      const server = await listen(port);
      server.close();
      await once(server, 'close');
    } catch {
      taken.push(name);
    }
  }
  return taken;
}

/**
 * Free ports under the given names. They lie below the range of Linux's outgoing connections, so
 * that no connection takes one before a server listens.
 */
export async function freePorts(names) {
  const ports = {};
  let port = 12_000 + (process.pid % 80) * 100;
  for (const name of names) {
    do port += 1; while ((await busy({ port })).length > 0);
    ports[name] = port;
  }
  return ports;
}
