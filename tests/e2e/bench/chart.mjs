/** The bar chart of docs: what a request costs with Tenantgate and with Envoy's own filters. */

/** The groups of bars: a title, and the name and the case of each bar. */
const GROUPS = [
  ['A session', [['Tenantgate', 'session'], ['oauth2, jwt_authn, rbac', 'sessionTrio'], ['ext_authz, without its authorizer', 'sessionExtAuthz']]],
  ['A session with 200 groups', [['Tenantgate', 'groups'], ['oauth2, jwt_authn, rbac', 'groupsTrio']]],
  ['The redirect to the login', [['Tenantgate', 'redirect'], ['oauth2', 'redirectOauth2']]],
  ['A known bearer token', [['Tenantgate', 'known'], ['jwt_authn with its cache', 'knownNative']]],
  ['A new RS256 token', [['Tenantgate', 'rs256'], ['jwt_authn', 'rs256Native']]],
  ['A new ES256 token', [['Tenantgate', 'es256'], ['jwt_authn', 'es256Native']]],
  ['Random text as token', [['Tenantgate', 'junk'], ['a module that reads and refuses', 'junkReads']]],
];

const [WIDTH, LABELS, BAR, GAP] = [800, 260, 18, 4];
const LONGEST = WIDTH - LABELS - 90;

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .group { font-weight: 600 }
    .page { fill: #ffffff }
    .ours { fill: #0969da }
    .others { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .page { fill: #0d1117 }
      .ours { fill: #58a6ff }
      .others { fill: #6e7681 }
    }
  `;

/** The chart as SVG. */
export function chart({ cases, envoy, date }) {
  const cost = (name) => cases.find((found) => found.name === name).microseconds.median;
  const most = Math.max(...GROUPS.flatMap(([, bars]) => bars.map(([, name]) => cost(name))));
  const lines = [];
  let y = 52;
  for (const [title, bars] of GROUPS) {
    lines.push(`<text class="group" x="16" y="${y}">${title}</text>`);
    y += 8;
    for (const [label, name] of bars) {
      const width = Math.max(1, Math.round((cost(name) / most) * LONGEST));
      const middle = y + BAR - 5;
      lines.push(
        `<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${label}</text>`,
        `<rect class="${label === 'Tenantgate' ? 'ours' : 'others'}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}"/>`,
        `<text x="${LABELS + width + 8}" y="${middle}">${cost(name).toFixed(1)} µs</text>`,
      );
      y += BAR + GAP;
    }
    y += 22;
  }
  const described = GROUPS.map(([title, bars]) => `${title}: ${bars.map(([label, name]) => `${label} ${cost(name).toFixed(1)}`).join('; ')}.`).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" role="img" aria-labelledby="title desc">
  <title id="title">CPU time that a request costs Envoy, in microseconds</title>
  <desc id="desc">${described}</desc>
  <style>${STYLE}</style>
  <rect class="page" width="${WIDTH}" height="${y}"/>
  <text x="16" y="26">CPU time of a request in µs, on top of a listener without filters (Envoy ${envoy}, ${date}); shorter is better</text>
  ${lines.join('\n  ')}
</svg>
`;
}
