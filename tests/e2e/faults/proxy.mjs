/** A TCP proxy in front of a server, which breaks what passes it in the way of `mode`. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Proxy {
  /** `down`, `hang`, `drip`, `reset`, `garbage`, or `normal`. */
  #mode = 'normal';
  #sockets = new Set();
  #server;

  /** Passes connections to `port` on to `target`, both on the loopback interface. */
  constructor(port, target) {
    this.port = port;
    this.target = target;
  }

  async start() {
    this.#server = createServer((client) => this.#serve(client)).listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop() {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The mode for all connections from now on. Those that are open end. */
  async set(mode) {
    this.#mode = mode;
    if (mode === 'down') await this.stop();
    else if (!this.#server.listening) await this.start();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket) {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => socket.destroy());
  }

  #serve(client) {
    this.#keep(client);
    if (this.#mode === 'reset') client.once('data', () => client.resetAndDestroy());
    else if (this.#mode === 'garbage') client.on('data', () => client.end(randomBytes(256)));
    else if (this.#mode === 'hang') client.resume();
    else this.#pass(client, this.#mode === 'drip');
  }

  #pass(client, isSlow) {
    const server = connect(this.target, '127.0.0.1');
    this.#keep(server);
    client.pipe(server);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    if (!isSlow) {
      server.pipe(client);
      return;
    }
    let bytes = Buffer.alloc(0);
    server.on('data', (part) => { bytes = Buffer.concat([bytes, part]); });
    const timer = setInterval(() => {
      if (bytes.length > 0) client.write(bytes.subarray(0, 1));
      bytes = bytes.subarray(1);
    }, 100);
    client.on('close', () => clearInterval(timer));
  }
}
