//! The form in which text is compared, and its pieces.

use super::*;

#[test]
fn text_is_compared_without_case_and_form() {
    for (text, form) in [
        ("Quarterly  Report\r\n 2026", "quarterly report 2026"),
        ("STRASSE straße ẞ", "strasse strasse ss"),
        ("ΟΔΥΣΣΕΥΣ Οδυσσεύς", "οδυσσευσ οδυσσεύσ"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ ①", "full width 1"),
        ("ﬁle ｶﾞｲﾄﾞ", "file ガイド"),
        ("e\u{301}cole ÉCOLE", "école école"),
        ("\u{2}a\u{3}b\u{0}", "a b"),
        ("", ""),
    ] {
        assert_eq!(folded(text), form, "{text:?}");
    }
    assert!(folded(&"漢".repeat(5_000)).len() <= text::TEXT_MAX);
}

#[test]
fn a_pattern_from_a_header_is_decoded() {
    assert_eq!(folded_pattern("=?UTF-8?B?6KuL5rGC5pu4?="), "請求書");
    assert_eq!(folded_pattern("=?iso-8859-1?Q?Gr=FC=DFe?= an =?UTF-8?Q?alle?="), "grüsse an alle");
    assert_eq!(folded_pattern("2 =? 3"), "2 =? 3");
    assert_eq!(Pattern::read("=?UTF-8?Q?caf=C3=A9?="), Pattern::Contains("café".into()));
}

#[test]
fn patterns_say_where_they_must_stand() {
    let fits = |pattern: &str, text: &str| Pattern::read(pattern).fits(text);
    assert!(fits("port", "Report") && !fits("=port", "Report") && fits("=REPORT", "Report"));
    assert!(fits("^rep", "Report") && !fits("^port", "Report"));
    assert!(fits("<>", "") && !fits("<>", "a@b.example") && fits("東京", "株式会社東京支店"));
    assert!(Pattern::read("").fits_all() && Pattern::read("^").fits_all() && !Pattern::read("<>").fits_all());
}

fn pieces_of(text: &str) -> Vec<(usize, String)> {
    let (mut all, mut pieces, mut piece) = (Vec::new(), Pieces::of(text), String::new());
    while let Some(place) = pieces.next_into(&mut piece) {
        all.push((place, piece.replace(START, "<").replace(END, ">")));
    }
    all
}

#[test]
fn pieces_are_three_letters_and_two_of_dense_scripts() {
    let of = |text| {
        pieces_of(text).into_iter().map(|(place, piece)| format!("{place}{piece}")).collect::<Vec<_>>()
    };
    assert_eq!(of(""), ["0<>>"]);
    assert_eq!(of("ab"), ["0<ab", "1ab>", "2b>>"]);
    assert_eq!(of("a東京b"), ["0<a東", "1a東京", "2東京", "2東京b", "3京b>", "4b>>"]);
}

proptest! {
    #[test]
    fn a_text_contains_a_pattern_if_its_pieces_stand_behind_each_other(
        text in "[abA日本語ア🙂 ]{0,12}", pattern in "[abA日本語ア🙂 ]{0,5}", how in 0..3_u8,
    ) {
        let (text, pattern) = (folded(&text), folded(&pattern));
        let pattern = match how {
            0 => Pattern::Is(pattern),
            1 => Pattern::Begins(pattern),
            _ => Pattern::Contains(pattern),
        };
        let wanted: Vec<char> = pattern.bounded().chars().collect();
        let all = pieces_of(&text);
        let there = |place: usize, piece: &[char]| {
            let piece: String = piece.iter().collect::<String>().replace(START, "<").replace(END, ">");
            all.iter().any(|(at, known)| *at == place && known.starts_with(&piece))
        };
        let found = (0..=text.chars().count() + 1).any(|start| match wanted.len() {
            0 => true,
            1 | 2 => there(start, &wanted),
            _ => wanted.windows(3).enumerate().all(|(index, piece)| there(start + index, piece)),
        });
        prop_assert_eq!(found, pattern.fits(&text));
    }
}
