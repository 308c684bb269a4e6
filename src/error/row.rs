//! The fixed part of a reply, which the tables of refusals have one of for each.

use super::pages::{self, Text};
use super::remedy::Remedy;
use crate::base::event::{Event, Level};

/// The members of an answer: the status, the level of the log line, the event, the text of the page
/// and what the reader can do.
pub(super) type Row = (u16, Level, Event, Text, Option<Remedy>);

/// The reply to a failure of a host function.
pub(super) const HOST_ERROR: Row = (503, Level::Error, Event::HostError, pages::FAILED, Some(Remedy::TryAgain));
