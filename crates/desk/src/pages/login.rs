//! The page before all others.

use mailreeve_api::wire::{Problem, ProblemKind};

use super::frame::head;
use super::html::Html;
use super::words::Words;

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

/// Renders it: a form that posts `name`, `password` and `next` to `/login`.
pub fn login(login: &Login<'_>) -> String {
    page(Words::english(), login).into_string()
}

pub(super) fn page(words: &Words, login: &Login<'_>) -> Html {
    let mut html = head(words, &words.say("login.title"));
    html.put(
        "<body class=entry><main id=main><h1>Mailreeve</h1><p class=\"sub m\">{}</p>",
        &[&login.hostname],
    );
    if let Some(problem) = login.problem {
        let key = match problem.kind {
            ProblemKind::TooMany => "login.locked",
            ProblemKind::Unauthenticated => "login.wrong",
            _ => "login.failed",
        };
        html.put("<p class=\"said bad\" role=alert>{}</p>", &[&words.say(key)]);
    }
    // Whoever mistyped the password goes on there.
    let (on_name, on_password) = if login.name.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    html.put(
        "<form method=post action=\"/login\"><input type=hidden name=next value=\"{}\">\
         <label>{}<input name=name value=\"{}\" autocomplete=username autocapitalize=none spellcheck=false \
         maxlength=200 required{}></label>",
        &[&login.next, &words.say("login.user"), &login.name, &on_name],
    );
    html.put(
        "<label>{}<input name=password type=password autocomplete=current-password maxlength=1024 required{}></label>\
         <button class=primary>{}</button></form></main></body></html>",
        &[&words.say("login.password"), &on_password, &words.say("login.do")],
    );
    html
}
