//! The titles and messages of the pages: what happened, what the user can do, and whom to ask. No
//! text contains a value that the client or the issuer sent.

/// The title and message of a page.
pub(super) type Text = (&'static str, &'static str);

pub(super) const ACCESS_DENIED: Text = (
    "No access",
    "Your account may not open this page. Sign in with another account, or ask the administrator of this site for \
     access.",
);
pub(super) const ACCESS_DENIED_TO_ALL: Text =
    ("No access", "Nobody may open this page. If you need it, ask the administrator of this site.");
pub(super) const ADDRESS_TOO_LONG: Text = (
    "Address too long",
    "You are not signed in, and this address is too long to return to after you sign in. Sign in on the start page \
     first, then open this address again.",
);
pub(super) const BODY_TIMEOUT: Text =
    ("Request incomplete", "The gateway received no body within 2 seconds. Send the request again.");
pub(super) const BODY_TOO_LONG: Text = (
    "Request too large",
    "The body of the request is too large for this address. Send one logout token and nothing else.",
);
pub(super) const CALLBACK_INVALID: Text = (
    "Sign-in failed",
    "Your organization's sign-in service sent an answer that is not valid. Sign in again. If it happens again, tell \
     the administrator of this site.",
);
pub(super) const CODE_REJECTED: Text = (
    "Sign-in expired",
    "The sign-in took too long, or its address was opened twice. Try again. If it happens again, tell the \
     administrator of this site.",
);
pub(super) const CROSS_ORIGIN: Text = (
    "Request refused",
    "A page of another site tried to do something here in your name, so it was refused. Go to the start page of this \
     site and try it from there. If that does not help, tell the administrator of this site.",
);
pub(super) const EMAIL_UNVERIFIED: Text = (
    "E-mail address not verified",
    "Your organization's sign-in service has not verified your e-mail address. Verify it there, or ask your \
     organization's administrator. Then sign in again.",
);
pub(super) const FAILED: Text = (
    "Not available",
    "Something went wrong on this site. Try again in a moment. If it keeps happening, tell the administrator of this \
     site.",
);
pub(super) const FORM_TIMEOUT: Text = (
    "Sign-in failed",
    "Your browser was sent here with a form that did not arrive. Sign in from here instead, and tell the owner of the \
     page that you came from.",
);
pub(super) const GROUPS_OMITTED: Text = (
    "Too many groups",
    "You could not be signed in, because your account is in too many groups for the sign-in service to list. Ask your \
     organization's administrator to send fewer groups to this site.",
);
pub(super) const ID_TOKEN_INVALID: Text = (
    "Sign-in failed",
    "This site needs a newer or stronger proof of who you are. Sign in again. If it happens again, tell the \
     administrator of this site.",
);
pub(super) const LOGIN_REQUEST_INVALID: Text = (
    "Sign-in failed",
    "The link that led here is not valid. Sign in from here instead, and tell the owner of the link.",
);
pub(super) const LOGOUT_KEY_UNKNOWN: Text =
    ("Not available", "The key of the logout token is not known yet. Send the logout token again in a moment.");
pub(super) const LOGOUT_NOT_STORED: Text =
    ("Not available", "The sign-out is not known everywhere yet. Send a new logout token in a moment.");
pub(super) const LOGOUT_REQUEST_INVALID: Text =
    ("Bad request", "The request has to be a POST of a form with exactly one logout token.");
pub(super) const LOGOUT_TOKEN_INVALID: Text = ("Sign-out refused", "The logout token is not valid.");
pub(super) const NOT_CONFIRMED: Text = (
    "Sign-in failed",
    "This site could not confirm who you are, and trying again will not help. Send the request id to the administrator \
     of this site.",
);
pub(super) const NO_GROUPS: Text = (
    "No access",
    "Your account is in no group, and this site requires one. Ask your organization's administrator for access.",
);
pub(super) const PATH_AMBIGUOUS: Text = (
    "Address not valid",
    "This address has an unusual form, so it was not opened. Go to the start page and follow its links. If one of them \
     leads here, tell the administrator of this site.",
);
pub(super) const REDIRECT_LOOP: Text = (
    "You keep being signed out",
    "You signed in several times in a row, but your browser did not keep you signed in. Allow cookies for this site \
     and try again. If cookies are already allowed, tell the administrator of this site.",
);
pub(super) const REQUEST_INVALID: Text =
    ("Address not valid", "This address is not valid. Check it, or ask the person who gave it to you.");
pub(super) const SESSION_TOO_LARGE: Text = (
    "Too many groups",
    "You could not be signed in, because your account is in too many groups. Ask your organization's administrator to \
     send fewer groups to this site.",
);
pub(super) const SIGN_IN_FAILED: Text = (
    "Sign-in failed",
    "Your organization's sign-in service could not sign you in. Try another account. If that does not help, ask your \
     organization's administrator.",
);
pub(super) const SIGN_IN_MISCONFIGURED: Text = (
    "Sign-in does not work",
    "The sign-in to this site is not set up correctly, and trying again will not help. Send the request id to the \
     administrator of this site.",
);
pub(super) const SIGN_IN_REFUSED: Text = (
    "Sign-in refused",
    "Your organization's sign-in service did not let you in. Sign in with another account, or ask your organization's \
     administrator.",
);
pub(super) const SIGN_IN_UNAVAILABLE: Text = (
    "Sign-in unavailable",
    "Your organization's sign-in service is not working right now. Try again in a moment. If it keeps happening, tell \
     your organization's administrator.",
);
pub(super) const STATE_UNKNOWN: Text = (
    "Sign-in expired",
    "This sign-in took too long, was already used, or began in another browser. Sign in again. If that does not help, \
     allow cookies for this site, or ask its administrator.",
);
pub(super) const STORE_UNAVAILABLE: Text = (
    "Not available",
    "This site cannot check right now whether you are still signed in. Try again in a moment. If it keeps happening, \
     tell the administrator of this site.",
);
pub(super) const TENANT_BROKEN: Text =
    ("Not available", "This site is not set up correctly and cannot be opened. Tell the administrator of this site.");
pub(super) const TENANT_UNAVAILABLE: Text = (
    "Not available",
    "This site is not available right now. Try again in a moment. If it keeps happening, tell the administrator of \
     this site.",
);
pub(super) const TOKEN_INSUFFICIENT: Text = (
    "Access denied",
    "The bearer token lacks a scope or a claim that is required here. Request a token that has it, or ask the \
     administrator of this site.",
);
pub(super) const TOKEN_INVALID: Text = (
    "Token refused",
    "The bearer token is not valid here. Request a new one. If it is refused, too, ask the administrator of this site.",
);
pub(super) const UNAUTHENTICATED: Text =
    ("Not signed in", "You are not signed in. Open this site in a browser and sign in, then try again.");
pub(super) const UNKNOWN_HOST: Text =
    ("Not found", "There is no site at this address. Check the address, or ask the person who gave it to you.");
pub(super) const USER_MISSING: Text = (
    "Sign-in failed",
    "The sign-in service did not say who you are. Sign in with another account, or ask your organization's \
     administrator.",
);
pub(super) const VERIFICATION_LIMITED: Text = (
    "Not available",
    "Too many tokens had to be verified for this site at the same time. Send the request again in a moment.",
);
