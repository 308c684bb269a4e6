/** `./build.sh run`: Tenantgate on this machine, until Ctrl-C. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { TOP } from './envoy.mjs';
import { listedAccounts, people } from './people.mjs';
import { busy, DEFAULT_PORTS, portsFrom } from './ports.mjs';
import { origin, startStack } from './stack.mjs';

function fail(message) {
  console.error(`run: ${message}`);
  process.exit(1);
}

function chosenPorts() {
  let values;
  try {
    ({ values } = parseArgs({ options: { port: { type: 'string' } } }));
  } catch (error) {
    fail(`${error.message}\nusage: ./build.sh run [--port N]`);
  }
  if (values.port === undefined) return DEFAULT_PORTS;
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1024 || port > 65530) fail(`--port ${values.port}: give a number from 1024 to 65530`);
  return portsFrom(port);
}

const ROLES = { gateway: 'the gateway', acme: "acme's provider", globex: "globex's provider", upstream: 'the upstream', admin: "Envoy's admin page" };

const ports = chosenPorts();
const taken = await busy(ports);
if (taken.length > 0) {
  const list = taken.map((name) => `port ${ports[name]} (for ${ROLES[name]})`).join(', ');
  fail(`in use by another program: ${list}\nchoose other ports with: ./build.sh run --port N   (the gateway gets N, the rest the four ports after it)`);
}

const starting = startStack({ ports, dir: join(TOP, 'target/run'), accounts: listedAccounts });
// The handlers are set before any process starts, so that none is left running.
const stop = async () => {
  console.log('\nstopping');
  await starting.then((stack) => stack.stop(), () => {});
  process.exit(0);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
const stack = await starting.catch((error) => fail(error.message));

for (const [tenant, members] of Object.entries(people)) {
  console.log(`\n${origin(tenant, ports)}/`);
  for (const { uid, password, groups } of members) {
    console.log(`  ${uid.padEnd(6)} password ${password.padEnd(20)} groups ${groups.join('; ')}`);
  }
}
console.log(`\nThe pages below ${origin('acme', ports)}/admin/ are for the role admin, which the group platform-admins has.`);
console.log(`\nEnvoy's log: ${stack.log}\nCtrl-C stops everything.`);
