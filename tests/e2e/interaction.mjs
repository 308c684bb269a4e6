/** The pages of the provider. */
import { text } from 'node:stream/consumers';

import { escape, page } from './pages.mjs';

export const loginPage = (tenant, error) => page(`Sign in to ${tenant}`, `
<form method="post">
${error ? `<p class="error" role="alert">${escape(error)}</p>` : ''}
<label>User <input name="user" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form>`);

/** `form` is HTML of the provider, a form with the id `op.logoutForm`. */
export const logoutPage = (tenant, form) => page(`Sign out of ${tenant}?`, `
${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes" autofocus>Sign out</button>
<button type="submit" form="op.logoutForm">Stay signed in</button>`);

/**
 * Answers `/signed-out?frame=...` as an issuer with front-channel logout does: the page loads the
 * client's page in a frame.
 */
export const serveFrame = (tenant) => async (ctx, next) => {
  if (ctx.path !== '/signed-out') return next();
  ctx.type = 'html';
  ctx.body = page(`Signed out of ${tenant}`, `<iframe src="${escape(ctx.query.frame)}" title="Sign-out of the service"></iframe>`);
};

/** Answers `/interaction/...`: shows the form, checks the password, and resumes the provider. */
export const serveLogin = (provider, accounts, render) => async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  let error;
  if (ctx.method === 'POST') {
    const typed = new URLSearchParams(await text(ctx.req));
    const uid = await accounts.authenticate(typed.get('user') ?? '', typed.get('password') ?? '');
    if (uid !== undefined) {
      ctx.respond = false;
      return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: uid } }, { mergeWithLastSubmission: false });
    }
    error = 'User or password is wrong.';
    ctx.status = 401;
  }
  ctx.type = 'html';
  ctx.body = render(error);
};
