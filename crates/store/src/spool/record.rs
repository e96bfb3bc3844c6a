//! Records as they are stored: version, checksum, fields.
//!
//! The checksum covers the key too, so that a record found under the wrong number is damaged, not believed.
//! Layout: version (1 octet), CRC-32 (4, little-endian), fields in postcard's form.

use mailreeve_core::envelope::{Envelope, RecipientState};
use mailreeve_core::event::Stamped;
use mailreeve_core::ids::{Mid, Rid};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Seq;
use crate::encoding;

/// Version of the fields that this release writes; every older one is still read.
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 5;
/// Where the keys of ends begin, beyond those of states.
const END_KEY: u64 = 1 << 33;

/// Why a record cannot be believed.
pub(crate) type Damage = String;

/// Encodes an envelope.
pub(crate) fn encode_envelope(envelope: &Envelope) -> Result<Vec<u8>, Damage> {
    encode([envelope.mid.0, 0], envelope)
}

/// Decodes the envelope stored for `mid`.
pub(crate) fn decode_envelope(mid: Mid, record: &[u8]) -> Result<Envelope, Damage> {
    let envelope: Envelope = decode([mid.0, 0], record)?;
    if envelope.mid != mid {
        return Err(format!("it names message {}", envelope.mid));
    }
    Ok(envelope)
}

/// Encodes what changed about a recipient.
pub(crate) fn encode_state(state: &RecipientState) -> Result<Vec<u8>, Damage> {
    encode([state.mid.0, u64::from(state.rid.0) + 1], state)
}

/// Decodes the state stored for a recipient.
pub(crate) fn decode_state(mid: Mid, rid: Rid, record: &[u8]) -> Result<RecipientState, Damage> {
    let state: RecipientState = decode([mid.0, u64::from(rid.0) + 1], record)?;
    if (state.mid, state.rid) != (mid, rid) {
        return Err(format!("it names recipient {} of message {}", state.rid, state.mid));
    }
    Ok(state)
}

/// Returns the record of a recipient's end: always the same octets for the same recipient, and a record like
/// any other, so that no damage looks like an end.
pub(crate) fn end_of(mid: Mid, rid: Rid) -> [u8; HEADER_BYTES] {
    let mut record = [VERSION, 0, 0, 0, 0];
    let crc = checksum([mid.0, END_KEY + u64::from(rid.0)], VERSION, &[]);
    record[1..].copy_from_slice(&crc.to_le_bytes());
    record
}

/// Encodes the events of a commit; `events` is all of them in order.
pub(crate) fn encode_events(seq: Seq, messages: u64, events: &[&Stamped]) -> Result<Vec<u8>, Damage> {
    encode([seq.0, u64::MAX], &(messages, events))
}

/// Decodes the events of a commit, and the number of messages in the spool after it.
pub(crate) fn decode_events(seq: Seq, record: &[u8]) -> Result<(u64, Vec<Stamped>), Damage> {
    decode([seq.0, u64::MAX], record)
}

/// Encodes any other value under a key of its own.
pub(crate) fn encode<T: Serialize + ?Sized>(key: [u64; 2], value: &T) -> Result<Vec<u8>, Damage> {
    let mut record = Vec::with_capacity(256);
    record.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    encoding::append(value, &mut record).map_err(|error| error.to_string())?;
    let crc = checksum(key, VERSION, &record[HEADER_BYTES..]);
    record[1..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    Ok(record)
}

/// Decodes a value stored under a key.
pub(crate) fn decode<T: DeserializeOwned>(key: [u64; 2], record: &[u8]) -> Result<T, Damage> {
    let Some((header, fields)) = record.split_first_chunk::<HEADER_BYTES>() else {
        return Err(format!("only {} octets are left of it", record.len()));
    };
    let [version, crc @ ..] = *header;
    if checksum(key, version, fields) != u32::from_le_bytes(crc) {
        return Err("the checksum does not match".to_owned());
    }
    if version != VERSION {
        return Err(format!("its version {version} is not known here"));
    }
    let (value, rest) = postcard::take_from_bytes(fields).map_err(|error| error.to_string())?;
    if rest.is_empty() { Ok(value) } else { Err(format!("{} octets are left over", rest.len())) }
}

/// Returns the checksum of content stored for `mid`.
pub(crate) fn content_checksum(mid: Mid, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&mid.0.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

fn checksum(key: [u64; 2], version: u8, fields: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key[0].to_le_bytes());
    hasher.update(&key[1].to_le_bytes());
    hasher.update(&[version]);
    hasher.update(fields);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_record_reads_back_only_under_its_own_key_and_unchanged() {
        let record = encode([7, 1], &("text", 9_u32)).unwrap();
        assert_eq!(decode::<(String, u32)>([7, 1], &record), Ok(("text".to_owned(), 9)));
        assert!(decode::<(String, u32)>([8, 1], &record).is_err());
        assert!(decode::<(String, u32)>([7, 2], &record).is_err());
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode::<(String, u32)>([7, 1], &flipped).is_err(), "bit {bit}");
        }
        for length in 0..record.len() {
            assert!(decode::<(String, u32)>([7, 1], &record[..length]).is_err(), "length {length}");
        }
    }
}
