//! What belongs together, and what is found by what.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::query::{Pattern, Query};
use super::text::{END, Pieces, START, folded, folded_pattern};
use super::*;
use crate::event::{AbortReason, BounceKind, Cause, CloseReason, Event, Failure, PeerAction, Stage, Stamped};
use crate::ids::{Dcid, Host, Icid, Mid, Rid};

mod stories;
mod texts;
mod tries;
