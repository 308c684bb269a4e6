//! What a person reads: what happened, what to do now, and whom to ask. No text repeats anything that was received.

/// Title and message of a page.
pub(super) type Text = (&'static str, &'static str);

pub(super) const ACCESS_DENIED: Text = (
    "Access denied",
    "You are signed in, but your account may not open this page. Ask the administrator of this site for access.",
);
pub(super) const ACCESS_DENIED_TO_ALL: Text =
    ("Access denied", "This page is closed to everybody. Ask the administrator of this site if you need it.");
pub(super) const ADDRESS_TOO_LONG: Text = (
    "Address too long",
    "You are not signed in, and this address is too long to return to after the sign-in. Sign in on the start page \
     first, then open this address again.",
);
pub(super) const BODY_TOO_LONG: Text = (
    "Request too large",
    "The body of the request is too large for this address. Send one logout token and nothing else.",
);
pub(super) const CALLBACK_INVALID: Text = (
    "Sign-in failed",
    "The answer of the sign-in service is not valid. Try again. If it happens again, tell the administrator of this \
     site.",
);
pub(super) const CODE_REJECTED: Text =
    ("Sign-in expired", "The sign-in took too long, or its address was opened twice. Try again.");
pub(super) const EMAIL_UNVERIFIED: Text = (
    "E-mail address not verified",
    "Your organization's sign-in service has not verified your e-mail address. Verify it there, or ask your \
     organization's administrator, and sign in again.",
);
pub(super) const FAILED: Text =
    ("Not available", "Something went wrong on this site. Try again in a moment. If it lasts, tell its administrator.");
pub(super) const GROUPS_OMITTED: Text = (
    "Too many groups",
    "Your account has more groups than your sign-in service sends. Ask your organization's administrator to send fewer \
     groups to this application.",
);
pub(super) const ID_TOKEN_INVALID: Text = (
    "Sign-in failed",
    "The identity that the sign-in service sent could not be verified. Sign in again. If it happens again, tell the \
     administrator of this site.",
);
pub(super) const LOGOUT_KEY_UNKNOWN: Text =
    ("Not available", "The key of the logout token is not known yet. Send the logout token again in a moment.");
pub(super) const LOGOUT_REQUEST_INVALID: Text =
    ("Bad request", "The request has to be a POST of a form with exactly one logout token.");
pub(super) const LOGOUT_TOKEN_INVALID: Text = ("Sign-out refused", "The logout token is not valid.");
pub(super) const NO_GROUPS: Text = (
    "Access denied",
    "Your account has none of the groups that this site requires. Ask your organization's administrator for access.",
);
pub(super) const PATH_AMBIGUOUS: Text = (
    "Bad request",
    "Servers could read this address in different ways, so it is refused. Go to the start page and follow its links.",
);
pub(super) const REDIRECT_LOOP: Text = (
    "You keep being signed out",
    "You signed in several times in a row, and your browser came back without its session each time. Allow cookies for \
     this site and try again. If cookies are allowed, tell the administrator of this site.",
);
pub(super) const REQUEST_INVALID: Text =
    ("Bad request", "The request has no valid host or no valid path. Check the address.");
pub(super) const SESSION_TOO_LARGE: Text = (
    "Too many groups",
    "Your account has more groups than a session can hold. Ask your organization's administrator to send fewer groups \
     to this application.",
);
pub(super) const SIGN_IN_FAILED: Text = (
    "Sign-in failed",
    "Your organization's sign-in service could not sign you in. Try another account, or ask your organization's \
     administrator.",
);
pub(super) const SIGN_IN_REFUSED: Text = (
    "Sign-in refused",
    "Your organization's sign-in service did not let you in. Sign in with another account, or ask your organization's \
     administrator.",
);
pub(super) const SIGN_IN_UNAVAILABLE: Text = (
    "Sign-in unavailable",
    "Your organization's sign-in service does not work at the moment. Try again in a moment. If it lasts, tell your \
     organization's administrator.",
);
pub(super) const STATE_UNKNOWN: Text = (
    "Sign-in expired",
    "This sign-in has expired, was already used, or began in another browser. Sign in again. If that does not help, \
     allow cookies for this site.",
);
pub(super) const TENANT_BROKEN: Text =
    ("Not available", "This site is not configured correctly. Tell its administrator.");
pub(super) const TOKEN_INSUFFICIENT: Text =
    ("Access denied", "The bearer token lacks a scope or a claim that is required here.");
pub(super) const TOKEN_INVALID: Text = ("Token refused", "The bearer token is not valid here.");
pub(super) const UNAUTHENTICATED: Text =
    ("Not signed in", "This request needs a signed-in user. Open the site in a browser and sign in.");
pub(super) const UNKNOWN_HOST: Text =
    ("Not found", "There is no site at this address. Check the address, or ask the person who gave it to you.");
pub(super) const USER_MISSING: Text = (
    "Sign-in failed",
    "The sign-in service did not say who you are. Sign in with another account, or ask your organization's \
     administrator.",
);
