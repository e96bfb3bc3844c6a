//! The page before all others.

use mailreeve_api::wire::Problem;

/// What the page shows.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The gateway's name.
    pub hostname: &'a str,
    /// The name that was given.
    pub name: &'a str,
    /// Where to go afterwards: a path of ours.
    pub next: &'a str,
    /// Why the attempt before was refused.
    pub problem: Option<&'a Problem>,
}

/// Renders it.
pub fn login(login: &Login<'_>) -> String {
    let problem = login.problem.map_or_else(String::new, |problem| {
        let hint = problem.hint.as_deref().unwrap_or_default();
        format!("<p role=\"alert\">{}. {}</p>", escaped(&problem.message), escaped(hint))
    });
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{host}: sign in</title>\
         <meta name=\"viewport\" content=\"width=device-width\"></head><body><main><h1>{host}</h1>{problem}\
         <form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"next\" value=\"{next}\">\
         <p><label>Name <input name=\"name\" value=\"{name}\" autocomplete=\"username\" required></label></p>\
         <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\
         </label></p><p><button>Sign in</button></p></form></main></body></html>\n",
        host = escaped(login.hostname),
        next = escaped(login.next),
        name = escaped(login.name),
    )
}

/// Text of others as text in HTML, in content and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters and those that turn the direction of text round are shown by their number.
            letter
                if letter.is_control()
                    || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.push_str(&format!("\\u{{{:x}}}", u32::from(letter)));
            }
            letter => out.push(letter),
        }
    }
    out
}
