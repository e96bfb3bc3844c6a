//! A session at a terminal, typed as a person types it, against a running gateway.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::Write as _;
use std::process::{Command, Stdio};

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::world::{Absent, World};
use world::places::{by_dns, mail_to};
use world::terminal::Terminal;
use world::{Gateway, binary, wait_until};

const PROMPT: &str = "gw.test> ";

/// A gateway that has delivered to one destination and waits for another one that refuses.
struct Setting {
    net: World,
    gateway: Gateway,
    /// What differs from run to run, and what stands for it.
    names: Vec<(String, &'static str)>,
}

impl Setting {
    fn start() -> Self {
        let net = World::start(41).unwrap();
        let up = net.settle("up.test", Temper::healthy()).unwrap();
        let down = net.settle_absent("down.test", Absent::Refusing).unwrap();
        let gateway = Gateway::start(&by_dns(&net, "refused_networks = []\nidle = \"1s\""));
        mail_to(&gateway, &["one@up.test"]);
        wait_until("what goes out is out", || gateway.active() == 0);
        mail_to(&gateway, &["one@down.test", "two@down.test"]);
        wait_until("what waits was tried", || {
            gateway.json("hoststatus down.test")["reason"].is_string()
                && gateway.json("status")["gauges"]["conn_out"] == 0
        });
        let shown = gateway.json("hoststatus down.test");
        let exchanger = shown["exchangers"][0]["name"].as_str().unwrap().to_owned();
        let names = vec![
            (exchanger, "MX-DOWN"),
            (up.name().to_owned(), "MX-UP"),
            (up.address().ip().to_string(), "IP-UP"),
            (down.ip().to_string(), "IP-DOWN"),
            (net.dns().address().to_string(), "NAMESERVER"),
            (net.port().to_string(), "PORT"),
        ];
        Self { net, gateway, names }
    }

    /// What was shown, without what differs from run to run.
    fn golden(&self, terminal: &Terminal) -> String {
        let mut text = terminal.text();
        for (what, name) in &self.names {
            text = text.replace(what.as_str(), name);
        }
        text.lines().map(|line| without_times(line).trim_end().to_owned() + "\n").collect()
    }
}

/// A line with dates, spans of time and times to live replaced.
fn without_times(line: &str) -> String {
    let mut line = line.to_owned();
    for day in ["Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun "] {
        while let Some(at) = line.find(day).filter(|at| line[*at..].contains(':')) {
            let year = line[at..].find(" 20").map_or(line.len(), |year| at + year + 5);
            let zone = line[year..].strip_prefix(" UTC").map_or(0, |_| 4);
            line.replace_range(at..year + zone, "TIME");
        }
    }
    if let Some((before, why)) =
        line.split_once(" by ").and_then(|(before, rest)| Some((before, rest.split_once(": ")?.1)))
    {
        return format!("{before} by SOMEBODY: {why}");
    }
    // The size of a message depends on what its trace field knew of the client by then.
    if let (true, [mid, _, rest @ ..]) =
        (line.contains(" a@sender.test "), &line.split_whitespace().collect::<Vec<_>>()[..])
    {
        return format!("{mid} SIZE {}", rest.join(" "));
    }
    // How wide a time to live is depends on the second.
    if line.ends_with("MX-DOWN") {
        line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if line.starts_with("Oldest Message") {
        return "Oldest Message ...".to_owned();
    }
    let span = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '.']);
        let digits = word.trim_end_matches(['s', 'm', 'h', 'd']);
        !digits.is_empty()
            && (digits.len() < word.len() || digits.contains('.') || line.contains(" IN "))
            && digits.chars().all(|letter| letter.is_ascii_digit() || letter == '.')
    };
    line.split(' ').map(|word| if span(word) { "SPAN" } else { word }).collect::<Vec<_>>().join(" ")
}

#[test]
fn lines_come_back_in_the_next_session() {
    let gateway = Gateway::start("");
    let mut first = Terminal::start(&gateway, &["cli"], 500);
    first.give(PROMPT, "version");
    first.answer(PROMPT, "quit");
    assert!(first.ended().success());
    let mut second = Terminal::start(&gateway, &["cli"], 500);
    second.wait("a prompt", |text| text.ends_with(PROMPT));
    // Up, beyond `quit`.
    second.press("\u{1b}[A\u{1b}[A");
    second.wait("the line of before", |text| text.contains(&format!("{PROMPT}version")));
}

#[test]
fn the_steps_for_a_message_that_stays_queued() {
    let setting = Setting::start();
    let exchanger = setting.names[0].0.clone();
    let mut terminal = Terminal::start(&setting.gateway, &["cli"], 500);
    terminal.give(PROMPT, "tophosts active_rcpts");
    terminal.give(PROMPT, "hoststatus down.test");
    terminal.give(PROMPT, "dig mx down.test");
    insta::assert_snapshot!("queued", setting.golden(&terminal));

    // The destination answers again, at the port where the lab's hosts are.
    let healthy = setting.net.host("down.test", Temper::healthy(), Detail::default()).unwrap();
    let zone = mailreeve_lab::dns::Zone::new("down.test").mx(10, &exchanger);
    setting.net.dns().put(&zone.address(&exchanger, healthy.address().ip())).unwrap();
    terminal.give(PROMPT, "dnsflush y");
    // A conversation: what is typed goes to the host, until that closes.
    terminal.press(&format!("telnet {exchanger} {}\r", setting.net.port()));
    terminal.wait("a banner", |text| text.contains("\n220 "));
    assert!(terminal.text().contains(&format!("Connected to {exchanger}.")), "{}", terminal.text());
    terminal.press("EHLO gw.test\r");
    terminal.wait("what it offers", |text| text.contains("\n250 "));
    terminal.press("QUIT\r");
    let closed = format!("Connection closed by foreign host.\n{PROMPT}");
    terminal.wait("the prompt", |text| text.ends_with(&closed));
    // Once more, and left by its escape character alone.
    terminal.press(&format!("telnet {exchanger} {}\r", setting.net.port()));
    terminal.wait("a second banner", |text| text.matches("\n220 ").count() == 2);
    terminal.press("\u{1d}");
    terminal.wait("the prompt", |text| text.ends_with(&format!("Connection closed.\n{PROMPT}")));
    let waiting = || {
        let waiting = setting.gateway.json("showrecipients host down.test");
        let whys: Vec<String> =
            waiting["recipients"].as_array().unwrap().iter().map(|one| one["why"].to_string()).collect();
        whys.len() == 2 && whys.iter().all(|why| why.contains("unreachable"))
    };
    wait_until("a clock holds both", waiting);
    terminal.give(PROMPT, "delivernow all");
    let text = terminal.text();
    let told = "delivernow all\nRescheduling all messages for immediate delivery.\n2 recipients at 1 destination became due.\n";
    assert!(text.contains(told), "{text}");
    wait_until("what waited is out", || setting.gateway.active() == 0);
    terminal.press("quit\r");
    assert!(terminal.ended().success());
}

#[test]
fn what_is_left_out_is_asked_for() {
    let setting = Setting::start();
    let mut terminal = Terminal::start(&setting.gateway, &[], 500);
    terminal.wait("a prompt", |text| text.ends_with(PROMPT));
    terminal.press("tophosts\r");
    terminal.answer("[1]> ", "3");
    terminal.wait("the table", |text| text.contains("down.test") && text.ends_with(PROMPT));
    terminal.press("showrecipients\r");
    terminal.answer("[1]> ", "1");
    terminal.answer("\n[]> ", "down.test");
    terminal.wait("who waits", |text| text.contains("two@down.test") && text.ends_with(PROMPT));
    terminal.press("deleterecipients host\r");
    terminal.answer("to delete.\n[]> ", "down.test");
    terminal.answer("[N]> ", "");
    terminal.wait("nothing", |text| text.ends_with(&format!("Nothing was done.\n{PROMPT}")));
    terminal.press("workqueue\r");
    terminal.answer("statistics over time\n[]> ", "pause");
    terminal.answer("[N]> ", "y");
    terminal.answer("Reason for pausing work queue:\n[]> ", "checking LDAP server");
    terminal.wait("the menu again", |text| text.contains("- RESUME") && text.ends_with("\n[]> "));
    terminal.press("\r");
    terminal.give(PROMPT, "workqueue resume");
    // A question is left by Ctrl-C, a mode asks nothing.
    terminal.press("hoststatus\r");
    terminal.wait("the question", |text| text.ends_with("Recipient host:\n[]> "));
    terminal.press("\u{3}");
    terminal.wait("a prompt", |text| text.ends_with(PROMPT));
    terminal.give(PROMPT, "setttymode noninteractive");
    terminal.give(PROMPT, "hoststatus");
    insta::assert_snapshot!("asked", setting.golden(&terminal));
    // In a shell the same is asked; the answers end the command.
    let mut shell = Terminal::start(&setting.gateway, &["hoststatus"], 500);
    shell.answer("Recipient host:\n[]> ", "up.test");
    assert!(shell.ended().success());
    shell.wait("the reply", |text| text.contains("Host mail status for: 'up.test'"));
}

#[test]
fn keys_abort_complete_and_turn_pages() {
    let setting = Setting::start();
    let mut terminal = Terminal::start(&setting.gateway, &["cli"], 16);
    terminal.wait("a prompt", |text| text.ends_with(PROMPT));
    // Ctrl-C drops a line, ends a command that goes on, and the rest of its line.
    terminal.press("nonsense\u{3}");
    terminal.wait("a new prompt", |text| text.matches(PROMPT).count() == 2 && text.ends_with(PROMPT));
    assert!(!terminal.text().contains("is not a command"));
    terminal.press("rate 1; version\r");
    terminal.wait("a sample", |text| text.lines().any(|line| line.contains("K-Used")));
    terminal.press("\u{3}");
    terminal.wait("a prompt", |text| text.ends_with(PROMPT) && text.contains("^C"));
    assert!(!terminal.text().contains("Current Version"), "{}", terminal.text());
    // Tab completes a command and a destination.
    terminal.press("hostst\tdow\t");
    terminal.wait("the whole line", |text| text.ends_with("hoststatus down.test "));
    terminal.press("\r");
    // A page of a terminal of sixteen rows.
    let more = "-Press Any Key For More-";
    terminal.wait("the end of a page", |text| text.ends_with(more));
    let page = terminal.text();
    assert!(page.contains("Host mail status for: 'down.test'") && !page.contains("Gauges:"), "{page}");
    terminal.press(" ");
    terminal.wait("the next page", |text| text.len() > page.len() && text.ends_with(more));
    terminal.press("q");
    terminal.wait("a prompt", |text| text.ends_with(PROMPT));
    assert!(!terminal.text().contains(more), "{}", terminal.text());
    // Earlier lines come back; several commands stand in one line; Ctrl-D leaves.
    terminal.press("version; tophosts nonsense; version\r");
    terminal.wait("both", |text| text.matches("Current Version").count() == 2 && text.ends_with(PROMPT));
    terminal.press("\u{1b}[A");
    terminal.wait("the line", |text| text.ends_with("version; tophosts nonsense; version"));
    terminal.press("\u{3}");
    terminal.wait("a prompt", |text| text.ends_with(PROMPT));
    terminal.press("\u{4}");
    assert!(terminal.ended().success());
}

#[test]
fn without_a_gateway_a_session_says_so_and_goes_on() {
    let mut gateway = Gateway::prepare("");
    let mut terminal = Terminal::start(&gateway, &["cli"], 500);
    terminal.wait("a prompt", |text| text.ends_with("mailreeve> "));
    assert!(terminal.text().contains("error: no gateway is running at"), "{}", terminal.text());
    gateway.run();
    terminal.press("version\r");
    terminal
        .wait("the gateway's name", |text| text.contains("Hostname: gw.test\n") && text.ends_with(PROMPT));
}

#[test]
fn lines_of_standard_input_are_carried_out() {
    let gateway = Gateway::start("");
    let session = |words: &[&str], lines: &str| {
        let mut child = Command::new(binary())
            .args(["--config", gateway.config().to_str().unwrap()])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code().unwrap(), out, err)
    };
    let (code, out, err) = session(&["cli"], "version; showrecipients all\ntophosts x\n\nexit\nversion\n");
    assert_eq!((code, out.matches("Current Version").count()), (2, 1), "{out}{err}");
    assert!(
        out.contains("No recipients are waiting.\n") && err.contains("`x` is not a column"),
        "{out}{err}"
    );
    assert!(!out.contains('>'), "a script sees no prompt: {out}");
    let (code, out, err) = session(&["cli", "version; showrecipients all --json"], "");
    assert!(
        code == 0 && out.contains("Hostname: gw.test") && out.contains("\"recipients\": []"),
        "{out}{err}"
    );
    // Nobody said anything, and nobody is there to be asked.
    let (code, out, err) = session(&[], "version\n");
    assert!(code == 2 && out.is_empty() && err.contains("Usage: mailreeve"), "{out}{err}");
    for (words, wanted) in [
        (&["help", "demo"][..], "Usage: mailreeve demo"),
        (&["help", "serve"], "Run the gateway"),
        (&["help", "cli"], "Ctrl-C aborts the command"),
        (&["help", "quit"], "Ctrl-D"),
    ] {
        let (code, out, err) = session(words, "");
        let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 0 && out.contains(wanted), "{words:?}: {out}{err}");
    }
}
