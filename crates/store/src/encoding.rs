//! Values in postcard's form, appended to what is there already: no buffer of their own, texts copied as a whole.

use postcard::ser_flavors::Flavor;
use serde::Serialize;

/// Appends a value. After an error a part of it may stand there.
///
/// # Errors
/// When the value has no such form.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, octets: &mut Vec<u8>) -> postcard::Result<()> {
    postcard::serialize_with_flavor(value, Behind(octets))
}

struct Behind<'a>(&'a mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, octet: u8) -> postcard::Result<()> {
        self.0.push(octet);
        Ok(())
    }

    fn try_extend(&mut self, octets: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(octets);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_value_stands_behind_what_was_there() {
        let value = (7_u64, "text".to_owned(), Some(vec![1_u32, 300]));
        let mut octets = vec![9];
        append(&value, &mut octets).unwrap();
        assert_eq!((octets[0], postcard::from_bytes(&octets[1..])), (9, Ok(value)));
    }
}
