/** The common HTML of the provider and the upstream. */

export const escape = (text) =>
  String(text).replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c]);

/** One page: `title` is text, `body` is HTML. */
export const page = (title, body) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 8vh auto; padding: 0 1.5rem; color: #1b1f24; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; }
td { overflow-wrap: anywhere; } label { display: block; margin: .75rem 0; } input { display: block; font: inherit; padding: .4rem; width: 16rem; }
ul { margin: 0; padding-left: 1.2rem; }
button { font: inherit; padding: .4rem 1rem; } .error { color: #b3261e; } code { font-size: .9em; }
</style>
</head>
<body>
<h1>${escape(title)}</h1>
${body}
</body>
</html>
`;
