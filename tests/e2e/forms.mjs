/** The forms of the pages of real providers. */

/**
 * Opens `url` and signs in at the page of the provider, and at that of a provider behind it. Forms
 * that scripts would send are sent. Ends with the first page without a form, or where `stop` is
 * true for a URL.
 */
export async function signIn(client, url, { uid, password }, stop) {
  let answer = await client.follow(url, stop);
  for (let page = 0; page < 10; page += 1) {
    const form = formIn(answer);
    if (!form) return answer;
    // Keycloak calls the field for the user name `username`, dex and Canaille call it `login`.
    // Canaille asks for the password on a page of its own.
    const name = ['username', 'login'].find((field) => form.fields.has(field));
    if (name) form.fields.set(name, uid);
    if (name || form.fields.has('password')) form.fields.set('password', password);
    answer = { url: form.action, ...await client.send(form.action, { method: 'POST', form: form.fields }) };
    if (answer.location) answer = await client.follow(answer.location, stop);
  }
  throw new Error(`one form came after the other, the last one with: ${answer.body}`);
}

/** The first form of a page, if there is one: where it is sent, and its fields. */
export function formIn({ url, body = '' }) {
  const form = body.match(/<form\b[^>]*>[^]*?<\/form>/i)?.[0];
  if (!form) return undefined;
  const attribute = (tag, name) => unescape(tag.match(new RegExp(`\\b${name}="([^"]*)"`, 'i'))?.[1] ?? '');
  const inputs = form.match(/<input\b[^>]*>/gi) ?? [];
  return {
    action: new URL(attribute(form, 'action'), url).href,
    fields: new Map(inputs.map((input) => [attribute(input, 'name'), attribute(input, 'value')]).filter(([name]) => name !== '')),
  };
}

/** Text of HTML without its entities. */
export const unescape = (text) => text.replace(/&(?:amp|quot|lt|gt|#(\d+)|#x([\da-f]+));/gi, (entity, decimal, hex) =>
  ({ '&amp;': '&', '&quot;': '"', '&lt;': '<', '&gt;': '>' })[entity] ?? String.fromCodePoint(decimal ?? parseInt(hex, 16)));
