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

/** Blocks of ports below the range of Linux's outgoing connections, so that none takes one. */
const FIRST_PORT = 12_000;
const BLOCK = 100;
const BLOCKS = 80;

/** The last port that `freePorts` has given. */
let last;

/**
 * Claims a block of ports, of which this process listens on the first one until it ends. Files of
 * tests run side by side, and their servers listen some time after their ports were chosen.
 */
async function claimBlock() {
  for (let number = process.pid; number < process.pid + BLOCKS; number += 1) {
    const port = FIRST_PORT + (number % BLOCKS) * BLOCK;
    const claim = await listen(port).catch(() => undefined);
    if (claim) {
      claim.unref();
      return port;
    }
  }
  throw new Error(`no block of ports is free from ${FIRST_PORT} on`);
}

/** Free ports under the given names. This process gets each of them once. */
export async function freePorts(names) {
  const ports = {};
  for (const name of names) {
    do {
      if (last === undefined || (last + 1) % BLOCK === 0) last = await claimBlock();
      last += 1;
    } while ((await busy({ port: last })).length > 0);
    ports[name] = last;
  }
  return ports;
}
