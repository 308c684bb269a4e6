//! What a person reads: title and message. Nothing that was received is repeated.

/// Title and message of a page.
pub(super) type Words = (&'static str, &'static str);

pub(super) const ADDRESS_TOO_LONG: Words = (
    "Address too long",
    "You are not signed in, and this address is too long to come back to after signing in. Sign in first, then open it again.",
);
pub(super) const ANSWER_UNACCEPTABLE: Words =
    ("Sign-in failed", "The answer of the sign-in service could not be accepted.");
pub(super) const BODY_TOO_LONG: Words =
    ("Too long", "The body of the request is longer than anything that is accepted here.");
pub(super) const CODE_REFUSED: Words = ("Sign-in expired", "The sign-in took too long or was already used.");
pub(super) const EMAIL_UNVERIFIED: Words =
    ("E-mail address not verified", "Your organization's sign-in service has not verified your e-mail address.");
pub(super) const FAILED: Words = ("Not available", "Something went wrong here. Try again in a moment.");
pub(super) const FORBIDDEN: Words = ("Not allowed", "Nobody may open this page.");
pub(super) const GROUPS_NOT_TOLD: Words = (
    "Too many groups",
    "Your account has more groups than your sign-in service tells. Ask your administrator to send fewer groups to this application.",
);
pub(super) const IDENTITY_UNVERIFIED: Words =
    ("Sign-in failed", "The sign-in service sent an identity that could not be verified.");
pub(super) const LOGIN_CIRCLE: Words = (
    "Sign-in does not hold",
    "You were signed in several times in a row, and each time your browser came back without it. Cookies have to be allowed for this site. If they are, its operator has to be told.",
);
pub(super) const LOGOUT_KEY_UNKNOWN: Words =
    ("Not available", "The key of the logout token is not known yet. Try again in a moment.");
pub(super) const LOGOUT_MALFORMED: Words =
    ("Bad request", "There has to be one logout token, in a form that is posted.");
pub(super) const LOGOUT_REFUSED: Words = ("Sign-out refused", "The logout token was not accepted.");
pub(super) const NOBODY: Words = ("Sign-in failed", "The sign-in service did not say who you are.");
pub(super) const NOT_ALLOWED: Words = ("Not allowed", "You are signed in, but your account may not open this page.");
pub(super) const NO_GROUPS: Words = ("Not allowed", "Your account has none of the groups that this site is for.");
pub(super) const PATH_AMBIGUOUS: Words = ("Bad request", "The address is written in a way that is not accepted here.");
pub(super) const REQUEST_UNREADABLE: Words = ("Bad request", "The request has no host or no path that could be read.");
pub(super) const SESSION_TOO_LARGE: Words = (
    "Too many groups",
    "Your account has more groups than a session can hold. Ask your administrator to send fewer groups to this application.",
);
pub(super) const SIGN_IN_FAILED: Words =
    ("Sign-in failed", "Your organization's sign-in service could not sign you in.");
pub(super) const SIGN_IN_REFUSED: Words =
    ("Sign-in refused", "Your organization's sign-in service did not let you in.");
pub(super) const SIGN_IN_UNAVAILABLE: Words =
    ("Sign-in unavailable", "Your organization's sign-in service does not answer as it should. Try again in a moment.");
pub(super) const STATE_UNKNOWN: Words = (
    "Sign-in expired",
    "This sign-in has expired, was already used, or was begun in another browser. Cookies have to be allowed for this site.",
);
pub(super) const TENANT_BROKEN: Words =
    ("Not available", "This site is not configured correctly. Its operator has to be told.");
pub(super) const TOKEN_INSUFFICIENT: Words =
    ("Not allowed", "The bearer token lacks a scope or a claim that is required here.");
pub(super) const TOKEN_REFUSED: Words = ("Token refused", "The bearer token was not accepted.");
pub(super) const UNAUTHENTICATED: Words =
    ("Not signed in", "This needs a signed-in user. Open the site in a browser to sign in.");
pub(super) const UNKNOWN_HOST: Words = ("Not found", "There is no site at this address.");
