/** A registry of OCI images with one image: the module. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

/** Starts the registry with the image `<host>/<name>`. `tls` is its `{host, key, cert}`. */
export async function startRegistry({ name, module, tls }) {
  const [repository, tag] = name.split(':');
  const blobs = new Map();
  const descriptor = (mediaType, content) => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  };
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', Buffer.from('{}')),
    layers: [
      descriptor('application/vnd.module.wasm.config.v1+json', Buffer.from('{"name": "tenantgate"}')),
      descriptor('application/vnd.module.wasm.content.layer.v1+wasm', readFileSync(module)),
    ],
  }));
  const { digest } = descriptor(MANIFEST, manifest);
  const server = createServer(tls, ({ url }, response) => {
    const [, asked] = url.match(new RegExp(`^/v2/${repository}/(?:manifests|blobs)/(.+)$`)) ?? [];
    const known = asked === tag ? digest : asked;
    if (url === '/v2/') response.end('{}');
    else if (!blobs.has(known)) response.writeHead(404).end();
    else {
      response.setHeader('content-type', known === digest ? MANIFEST : 'application/octet-stream');
      response.setHeader('docker-content-digest', known);
      // For a HEAD, Node sends no body.
      response.setHeader('content-length', blobs.get(known).length);
      response.end(blobs.get(known));
    }
  });
  server.listen(443, tls.host);
  await once(server, 'listening');
  return {
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
