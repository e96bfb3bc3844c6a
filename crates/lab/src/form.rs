//! The form of the lab's letters: dates, text that is not ASCII, and the dots of DATA.

/// A date as RFC 5322 section 3.3 wants it, in UTC, from seconds since 1970.
pub(crate) fn date(seconds: u64) -> String {
    // The calendar is that of whole days since 1970.
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let weekday = WEEKDAYS[(days % 7) as usize];
    let leap = |year: u64| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {} {} {year} {hour:02}:{minute:02}:{second:02} +0000", days + 1, MONTHS[month])
}

/// The longest encoded word (RFC 2047 section 2), without what stands around its text.
const WORD_LIMIT: usize = 75 - "=?utf-8?q??=".len();

/// `text` as a field's value: as it is where it is ASCII, else in encoded words (RFC 2047), folded.
pub(crate) fn encoded_word(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for letter in text.chars() {
        let mut octets = [0; 4];
        let encoded: String = if letter.is_ascii_alphanumeric() {
            letter.to_string()
        } else {
            letter.encode_utf8(&mut octets).bytes().map(|octet| format!("={octet:02X}")).collect()
        };
        // A letter is never cut in two (RFC 2047 section 5).
        if words.last().is_some_and(|word| word.len() + encoded.len() > WORD_LIMIT) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push_str(&encoded);
        }
    }
    let words: Vec<String> = words.into_iter().map(|word| format!("=?utf-8?q?{word}?=")).collect();
    words.join("\r\n ")
}

/// Content with the dots that DATA needs (RFC 5321 section 4.5.2).
pub(crate) fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(content.len() + content.len() / 16);
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_days() {
        assert_eq!(date(0), "Thu, 1 Jan 1970 00:00:00 +0000");
        assert_eq!(date(951_782_400), "Tue, 29 Feb 2000 00:00:00 +0000");
        assert_eq!(date(1_735_689_599), "Tue, 31 Dec 2024 23:59:59 +0000");
    }

    #[test]
    fn words_are_encoded_where_they_must_be() {
        assert_eq!(encoded_word("plain text"), "plain text");
        assert_eq!(encoded_word("a\u{f1}o 7"), "=?utf-8?q?a=C3=B1o=207?=");
        let long = encoded_word(&"\u{8acb}".repeat(30));
        assert!(long.contains("?=\r\n =?utf-8?q?") && long.lines().all(|line| line.len() <= 76), "{long}");
        assert!(long.split("\r\n ").all(|word| (word.len() - 12) % 9 == 0), "{long}");
    }
}
