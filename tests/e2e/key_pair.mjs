/** Key pairs of the tests. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';

/**
 * A new key pair, with the arguments of `generateKeyPairSync`.
 *
 * It goes through PEM: Node 20 can wait for itself for ever in `export({ format: 'jwk' })` of a key
 * that it has generated, if the garbage collector removes the job that generated it meanwhile. Both
 * lock the same key.
 */
export function keyPair(type, options = {}) {
  const { privateKey, publicKey } = generateKeyPairSync(type, {
    ...options, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { privateKey: createPrivateKey(privateKey), publicKey: createPublicKey(publicKey) };
}
