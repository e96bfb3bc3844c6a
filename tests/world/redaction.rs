//! What differs from run to run in the text of a reply, replaced.

/// A line with dates, spans of time and sizes of this machine replaced.
pub fn without_times(line: &str) -> String {
    const DAYS: [&str; 7] = ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "];
    const MACHINE: [&str; 9] = [
        "Injection Conn. ID (ICID)",
        "Delivery Conn. ID (DCID)",
        "RAM Used",
        "Kilobytes Used",
        "Kilobytes Free",
        "Up since",
        "Oldest Message:",
        "Destinations In Memory",
        "STARTTLS was refused: 454",
    ];
    if let Some(label) = MACHINE.iter().find(|label| line.contains(**label)) {
        return format!("{label} ...");
    }
    // The size of a message depends on what its trace field knew of the client by then.
    if let (true, [mid, size, ..]) =
        (line.contains(" a@sender.test "), &line.split_whitespace().collect::<Vec<_>>()[..])
    {
        return line.replacen(&format!("{mid:<10}{size}"), &format!("{mid:<10}999"), 1);
    }
    // Rates depend on how long the gateway has run.
    if line.starts_with("  ")
        && line.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).count() == 3
    {
        let same = line.split_whitespace().rev().take(3).collect::<Vec<_>>();
        if same.windows(2).any(|pair| pair[0] != pair[1]) {
            let label = line
                .trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == ' ' || letter == ',');
            return format!("{label} RATES");
        }
    }
    let mut line = line.to_owned();
    for day in DAYS {
        while let Some(at) = line.find(day).filter(|at| line[*at..].contains(':')) {
            let end = line[at..].find(" 20").map_or(line.len(), |year| at + year + 5);
            line.replace_range(at..end.min(line.len()), "TIME");
        }
    }
    let span = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '.']);
        let digits = word.trim_end_matches(['s', 'm', 'h', 'd']);
        digits.len() < word.len()
            && !digits.is_empty()
            && digits.chars().all(|letter| letter.is_ascii_digit())
    };
    let words: Vec<&str> = line.split(' ').map(|word| if span(word) { "SPAN" } else { word }).collect();
    words.join(" ")
}
