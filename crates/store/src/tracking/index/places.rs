//! The places of a record's events in few octets: differences, seven bits an octet.

use crate::ledger::Position;

/// Writes places, in order, and how many are left out among them.
pub(super) fn write(places: &[Position], left_out: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + places.len() * 3);
    number(u64::from(left_out), &mut out);
    let mut before = Position::default();
    for place in places {
        let segments = place.segment.saturating_sub(before.segment);
        let from = if segments == 0 { before.offset } else { 0 };
        number(segments, &mut out);
        number(place.offset.saturating_sub(from), &mut out);
        before = *place;
    }
    out
}

/// Reads them back; what is cut off is left away.
pub(super) fn read(mut octets: &[u8]) -> (Vec<Position>, u32) {
    let left_out = take(&mut octets).unwrap_or(0);
    let mut places = Vec::new();
    let mut before = Position::default();
    while let Some(segments) = take(&mut octets)
        && let Some(octets) = take(&mut octets)
    {
        let from = if segments == 0 { before.offset } else { 0 };
        before = Position { segment: before.segment + segments, offset: from + octets };
        places.push(before);
    }
    (places, u32::try_from(left_out).unwrap_or(u32::MAX))
}

fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take(octets: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (octet, rest) = octets.split_first()?;
        *octets = rest;
        number |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_and_are_small() {
        let at = |segment, offset| Position { segment, offset };
        let places = vec![at(9, 100), at(9, 180), at(9, 70_000), at(10, 28), at(u64::MAX / 2, u64::MAX / 4)];
        let octets = write(&places, 7);
        assert_eq!(read(&octets), (places, 7));
        assert!(octets.len() <= 1 + 2 + 3 + 4 + 2 + 18, "{}", octets.len());
        assert_eq!(read(&[]), (Vec::new(), 0));
        assert_eq!(read(&octets[..octets.len() - 1]).0.len(), 4);
    }
}
