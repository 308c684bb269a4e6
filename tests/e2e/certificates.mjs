/** Certificates for TLS servers on loopback, written in DER (RFC 5280), for keys on P-256. */
import { randomBytes, sign } from 'node:crypto';

import { keyPair } from './key_pair.mjs';

const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  const { length } = body;
  // The shortest form.
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts) => der(0x30, ...parts);
const oid = (hex) => der(0x06, Buffer.from(hex, 'hex'));

const ECDSA_WITH_SHA256 = sequence(oid('2a8648ce3d040302'));
const distinguishedName = (name) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
// A UTCTime, as RFC 5280 asks until 2049.
const moment = (date) => der(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
const extension = (id, value) => sequence(oid(id), der(0x04, value));

/** DNS names as a subjectAltName. */
const namedHosts = (hosts) => extension('551d11', sequence(...hosts.map((host) => der(0x82, Buffer.from(host)))));
const AUTHORITY = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))));

function certificate({ issuer, subject, until, extensions, publicKey, signer }) {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, serial), ECDSA_WITH_SHA256, distinguishedName(issuer),
    sequence(moment(new Date('2020-01-01')), moment(until)), distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }), der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, signer));
  const lines = sequence(body, ECDSA_WITH_SHA256, signature).toString('base64').match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** An authority: its certificate `ca`, and `issue(host, until)`, which gives `{cert, key}`. */
export function authority(name) {
  const root = keyPair('ec', { namedCurve: 'P-256' });
  const far = new Date('2049-01-01');
  return {
    ca: certificate({ issuer: name, subject: name, until: far, extensions: [AUTHORITY], publicKey: root.publicKey, signer: root.privateKey }),
    issue(host, until = far) {
      const { publicKey, privateKey } = keyPair('ec', { namedCurve: 'P-256' });
      const cert = certificate({ issuer: name, subject: host, until, extensions: [namedHosts([host])], publicKey, signer: root.privateKey });
      return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
    },
  };
}
