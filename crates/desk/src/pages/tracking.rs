//! Monitor > Message Tracking: messages, and connections that became none, found by what is known of them.

use mailreeve_api::command::Command as _;
use mailreeve_api::track::{Track, TrackReply, TrackRow};
use mailreeve_api::wire::Problem;

use super::frame::{Body, Frame, Place};
use super::html::{Html, url_word};
use super::instant::{exact_instant, instant_and_span};
use super::table;
use super::words::{Arg, Words};

/// Where the page is.
pub(crate) const PATH: &str = "/monitor/message-tracking";
/// Rows of a page.
pub(crate) const ROWS: u64 = 50;
/// What can be searched by, in the order of the form; the first five are always in sight.
pub(crate) const FIELDS: [&str; 12] = [
    "sender",
    "recipient",
    "subject",
    "from",
    "to",
    "message_id",
    "mid",
    "icid",
    "ip",
    "host",
    "event",
    "state",
];
const IN_SIGHT: usize = 5;
/// Recipients of a row; the others are counted.
const RECIPIENTS: usize = 2;

/// A search as it stands in the address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// Names and values, those that are empty left out.
    pub(crate) wanted: Vec<(&'static str, String)>,
    /// The place after which the page begins.
    pub(crate) page: Option<String>,
    /// How many rows are on the pages before it; none when that could not be read.
    pub(crate) seen: Option<u64>,
}

impl Search {
    /// The words of the command that searches so.
    pub(crate) fn words(&self) -> Vec<String> {
        let page = self.page.iter().map(|page| ("page", page.clone()));
        let rows = [("rows", ROWS.to_string())];
        let named = self.wanted.iter().cloned().chain(page).chain(rows);
        named.flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    fn value(&self, name: &str) -> &str {
        self.wanted.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The field that could not be read. The gateway says of a time or a page that it cannot read which one that is.
    fn unread(&self, problem: &Problem) -> Option<&'static str> {
        let alone = |(name, value): &&(&'static str, String)| {
            Track::parse(&[(*name).to_owned(), value.clone()]).is_err()
        };
        if let Some((name, _)) = self.wanted.iter().find(alone) {
            return Some(name);
        }
        let told = |value: &str| problem.message.contains(&format!("`{value}`"));
        let page = self.page.as_deref().filter(|page| self.seen.is_none() || told(page)).map(|_| "page");
        let time = |name: &&str| ["from", "to"].contains(name) && told(self.value(name));
        page.or_else(|| self.wanted.iter().map(|(name, _)| *name).find(|name| time(name)))
    }

    /// The address of this search, at a place.
    fn address(&self, at: Option<(&str, u64)>) -> String {
        let mut query: Vec<String> =
            self.wanted.iter().map(|(name, value)| format!("{name}={}", url_word(value))).collect();
        if let Some((page, seen)) = at {
            query.push(format!("page={}&seen={seen}", url_word(page)));
        }
        if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
    }
}

/// Makes the page: the form, and below it what was found or why nothing was looked for.
pub(crate) fn page(frame: &Frame<'_>, search: &Search, found: Result<&TrackReply, &Problem>) -> Html {
    let words = frame.words;
    let title = words.say("track.title");
    let mut main = Html::of("<h1>{}</h1><p class=sub>{}</p>", &[&title, &words.say("track.sub")]);
    form(words, search, &mut main);
    match found {
        Ok(reply) => results(words, search, reply, &mut main),
        Err(problem) => wrong(words, search, problem, &mut main),
    }
    let as_of = found.ok().map(|reply| &reply.as_of);
    frame.page(&Body { place: Place::MessageTracking, title, as_of, live: None, main })
}

/// Why nothing was looked for, and the way back.
fn wrong(words: &Words, search: &Search, problem: &Problem, main: &mut Html) {
    let name = search.unread(problem);
    let says = match name {
        Some(name) => {
            let value =
                if name == "page" { search.page.as_deref().unwrap_or_default() } else { search.value(name) };
            words.tell(&format!("track.wrong.{name}"), &[("value", Arg::Text(value))])
        }
        None => Html::of("<bdi>{}</bdi>. <bdi>{}</bdi>", &[&problem.message, &problem.hint]),
    };
    let (back, to) = match name {
        Some("page") => (search.address(None), "track.first"),
        _ => (PATH.to_owned(), "track.new"),
    };
    main.put(
        "<p class=\"said bad\" role=alert>{} <a href=\"{}\">{}</a></p>",
        &[&says, &back, &words.say(to)],
    );
}

fn form(words: &Words, search: &Search, main: &mut Html) {
    main.put("<form class=search action=\"{}\" role=search><div class=fields>", &[&PATH]);
    for name in &FIELDS[..IN_SIGHT] {
        field(words, search, name, main);
    }
    let more = &FIELDS[IN_SIGHT..];
    let open = if more.iter().any(|name| !search.value(name).is_empty()) { " open" } else { "" };
    let say = words.say("track.more");
    main.put("</div><details{}><summary>{}</summary><div class=fields>", &[&open, &say]);
    for name in more {
        field(words, search, name, main);
    }
    main.put(
        "</div></details><p><button class=primary>{}</button> <a href=\"{}\">{}</a></p></form>",
        &[&words.say("track.do"), &PATH, &words.say("track.clear")],
    );
}

fn field(words: &Words, search: &Search, name: &str, main: &mut Html) {
    let choices = Track::SPEC.arguments.iter().find(|argument| argument.name == name);
    let choices = choices.map_or(&[][..], |argument| argument.choices);
    let label = words.say(&format!("track.{name}"));
    let value = search.value(name);
    if choices.is_empty() {
        let key = format!("track.{name}.hint");
        let hint = if words.has(&key) { words.say(&key) } else { Html::new() };
        return main.put(
            "<label>{}<input name=\"{}\" value=\"{}\" placeholder=\"{}\" maxlength=1000 autocomplete=off spellcheck=false></label>",
            &[&label, &name, &value, &hint],
        );
    }
    let any = words.say("track.any");
    main.put("<label>{}<select name=\"{}\"><option value=\"\">{}</option>", &[&label, &name, &any]);
    for choice in choices {
        let chosen = if *choice == value { " selected" } else { "" };
        let says = word_of(words, name, choice);
        main.put("<option value=\"{}\"{}>{}</option>", &[choice, &chosen, &says]);
    }
    main.put("</select></label>", &[]);
}

/// A word of the gateway as a reader's.
fn word_of(words: &Words, kind: &str, word: &str) -> Html {
    let key = format!("track.{kind}.{word}");
    if words.has(&key) { words.say(&key) } else { Html::of("{}", &[&word]) }
}

fn results(words: &Words, search: &Search, reply: &TrackReply, main: &mut Html) {
    let key = if reply.total == 0 { "track.none" } else { "track.found" };
    let found = words.tell(key, &[("records", Arg::Count("records", reply.total))]);
    main.put("<p id=found role=status><strong>{}</strong> {}</p>", &[&found, &reach(words, reply)]);
    if reply.rows.is_empty() {
        return;
    }
    let columns = [
        "track.began",
        "track.message",
        "track.state",
        "track.sender",
        "track.recipient",
        "track.subject",
        "track.peer",
    ];
    table::open_rows(words, "found", "track.title", &columns, main);
    for line in &reply.rows {
        row(words, reply, line, main);
    }
    table::close(main);
    pager(words, search, reply, main);
}

/// Over which time nothing found means that nothing was there.
fn reach(words: &Words, reply: &TrackReply) -> Html {
    if reply.to_us == 0 {
        return words.say("track.reading");
    }
    let at = |at_us| Arg::Piece(instant_and_span(words, &reply.as_of, at_us));
    words.tell("track.reach", &[("from", at(reply.from_us)), ("to", at(reply.to_us))])
}

fn row(words: &Words, reply: &TrackReply, line: &TrackRow, main: &mut Html) {
    main.put(
        "<tr><td>{}<td>{}<td>",
        &[&exact_instant(words, &reply.as_of, line.began_us), &name(words, line)],
    );
    main.add(&states(words, &line.states));
    main.put("<td class=wrap>{}<td class=wrap>", &[&sender(words, line)]);
    for recipient in line.recipients.iter().take(RECIPIENTS) {
        main.put("<span class=line>{}</span>", &[recipient]);
    }
    let more = line.recipient_count.saturating_sub(line.recipients.len().min(RECIPIENTS));
    if more > 0 {
        let more = [("n", Arg::Number(more as u64))];
        main.put("<small>{}</small>", &[&words.tell("track.recipients-more", &more)]);
    }
    main.put("<td class=wrap><bdi>{}</bdi><td>{}", &[&line.subject, &peer(line)]);
}

/// What a record is called, with a link to its whole way.
fn name(words: &Words, line: &TrackRow) -> Html {
    match (line.mid, line.icid) {
        (Some(mid), _) => Html::of("<a href=\"{}/{}\">{}</a>", &[&PATH, &mid, &mid]),
        (None, Some(icid)) => {
            let says = words.tell("track.connection", &[("icid", Arg::Piece(Html::of("{}", &[&icid])))]);
            Html::of("<a href=\"{}?icid={}\">{}</a>", &[&PATH, &icid, &says])
        }
        (None, None) => Html::new(),
    }
}

/// States as words with their colours and shapes.
pub(crate) fn states(words: &Words, states: &[String]) -> Html {
    let mut html = Html::new();
    for state in states {
        let class = match state.as_str() {
            "delivered" => "up",
            "bounced" | "aborted" | "set-apart" => "down",
            "queued" | "held" | "receiving" => "unknown",
            _ => "note",
        };
        html.put("<b class=\"st {}\">{}</b> ", &[&class, &word_of(words, "state", state)]);
    }
    html
}

pub(crate) fn sender(words: &Words, line: &TrackRow) -> Html {
    match line.sender.as_deref() {
        None => Html::new(),
        Some("") => Html::of("<small>{}</small>", &[&words.say("recipient.from.none")]),
        Some(sender) => Html::of("{}", &[&sender]),
    }
}

pub(crate) fn peer(line: &TrackRow) -> Html {
    let mut html = Html::new();
    if let Some(ip) = &line.ip {
        html.put("<span class=m>{}</span>", &[ip]);
    }
    if let Some(host) = &line.host {
        html.put(" <small class=line>{}</small>", &[host]);
    }
    html
}

fn pager(words: &Words, search: &Search, reply: &TrackReply, main: &mut Html) {
    let seen = search.seen.unwrap_or(0);
    let last = seen + reply.rows.len() as u64;
    let range =
        [("first", Arg::Number(seen + 1)), ("last", Arg::Number(last)), ("all", Arg::Number(reply.total))];
    main.put(
        "<nav class=pager aria-label=\"{}\"><span>{}</span>",
        &[&words.say("delivery.pages"), &words.tell("delivery.range", &range)],
    );
    if search.page.is_some() {
        main.put(" <a rel=first href=\"{}\">{}</a>", &[&search.address(None), &words.say("track.first")]);
    }
    if let Some(next) = &reply.next {
        let next = search.address(Some((next.as_str(), last)));
        main.put(" <a rel=next href=\"{}\">{}</a>", &[&next, &words.say("delivery.next")]);
    }
    main.put("</nav>", &[]);
}
