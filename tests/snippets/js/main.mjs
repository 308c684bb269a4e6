// Verifies the assertions of its input, `jwks audience assertion` a line, with the example.
import { createInterface } from 'node:readline';

import { errors } from 'jose';

async function verify(jwks, audience, assertion) {
  // EXAMPLE
  return claims;
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = { claims: await verify(...line.split(' ')) };
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    result = { refused: error.message };
  }
  console.log(JSON.stringify(result));
}
