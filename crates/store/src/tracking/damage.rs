//! An index that cannot be read as it should: noticed wherever it shows, told to the one who can make it anew.
//!
//! The library that reads the index trusts what it reads and may panic over what it does not expect. That must
//! end the one question and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tantivy::TantivyError;
use tantivy::directory::error::OpenReadError;

use super::TrackingError;
use super::shared::Shared;

impl TrackingError {
    /// Tells whether the index itself is wrong, so that it must be made anew: waiting does not mend it.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Panicked(_) => true,
            Self::Index(error) => matches!(
                error,
                TantivyError::DataCorruption(_)
                    // Its other kind is one of the operating system, such as too many open files.
                    | TantivyError::OpenReadError(
                        OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_)
                    )
                    | TantivyError::IncompatibleIndex(_)
                    | TantivyError::DeserializeError(_)
                    | TantivyError::InternalError(_)
                    | TantivyError::SchemaError(_)
            ),
            Self::Ledger(_) | Self::Io { .. } | Self::NotSynced => false,
        }
    }
}

impl Shared {
    /// Does something with the index. What it finds wrong with it is noted.
    pub(super) fn watched<T>(
        &self,
        work: impl FnOnce() -> Result<T, TrackingError>,
    ) -> Result<T, TrackingError> {
        let done = caught(work);
        if let Err(error) = &done
            && error.is_damage()
        {
            self.state.write().damage.get_or_insert_with(|| error.to_string());
        }
        done
    }
}

/// Makes an error of a panic.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, TrackingError>) -> Result<T, TrackingError> {
    // What was changed half is thrown away with the index.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(TrackingError::Panicked(said.unwrap_or("it is not said why").to_owned()))
    })
}
