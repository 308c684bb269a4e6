//! Which refusal comes of what went wrong elsewhere.

use super::Denial;
use crate::access::NotPermitted;
use crate::env::{NoEntropy, NoTime};
use crate::identity::NoIdentity;
use crate::login::{RequestRefused, TokenResponseProblem, UserinfoProblem};
use crate::provider::Undiscovered;
use crate::seal::SealError;
use crate::session::NoSession;
use crate::token::{OtherSubject, Shortfall, TokenRejection};

impl From<NoTime> for Denial {
    fn from(NoTime: NoTime) -> Self {
        Self::HostFailed("it could not tell the time")
    }
}

impl From<NoEntropy> for Denial {
    fn from(NoEntropy: NoEntropy) -> Self {
        Self::HostFailed("it gave no random bytes")
    }
}

impl From<SealError> for Denial {
    fn from(error: SealError) -> Self {
        match error {
            SealError::NoEntropy => NoEntropy.into(),
            SealError::NoKey => Self::HostFailed("there is no session key"),
            SealError::Unsealable => Self::HostFailed("a value could not be sealed"),
        }
    }
}

impl From<NoSession> for Denial {
    fn from(problem: NoSession) -> Self {
        match problem {
            NoSession::Anonymous(problem) => Self::NoIdentity(problem),
            NoSession::TooLarge => Self::SessionTooLarge,
            NoSession::Unsealed(error) => error.into(),
        }
    }
}

impl From<TokenResponseProblem> for Denial {
    /// A code that is refused is more often a late client than a fault of the issuer.
    fn from(problem: TokenResponseProblem) -> Self {
        if problem == TokenResponseProblem::Refused(RequestRefused::InvalidGrant) {
            Self::CodeRefused
        } else {
            Self::ProviderUnusable(problem)
        }
    }
}

impl From<UserinfoProblem> for Denial {
    fn from(problem: UserinfoProblem) -> Self {
        Self::UserinfoUnusable(problem)
    }
}

impl From<OtherSubject> for Denial {
    fn from(OtherSubject: OtherSubject) -> Self {
        Self::OtherSubject
    }
}

impl From<Undiscovered> for Denial {
    fn from(Undiscovered: Undiscovered) -> Self {
        Self::ProviderUndiscovered
    }
}

impl From<NotPermitted> for Denial {
    fn from(refusal: NotPermitted) -> Self {
        match refusal {
            NotPermitted::Ambiguous(ambiguity) => Self::PathAmbiguous(ambiguity),
            NotPermitted::Denied(rule) => Self::Forbidden(rule),
            NotPermitted::Others(rule) => Self::NotAllowed(rule),
            NotPermitted::OtherTenant => Self::OtherTenant,
            NotPermitted::Scopes(scopes) => Self::TokenInsufficient(Shortfall::Scope(scopes)),
        }
    }
}

impl From<TokenRejection> for Denial {
    fn from(rejection: TokenRejection) -> Self {
        Self::IdToken(rejection)
    }
}

impl From<NoIdentity> for Denial {
    fn from(problem: NoIdentity) -> Self {
        Self::NoIdentity(problem)
    }
}
