//! What operators see: whole replies of every command, from the shell, of a gateway that has had a little of
//! everything. Times, numbers of the machine and addresses of chance are replaced; all else is compared.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::SocketAddr;

use mailreeve_lab::host::{Detail, Reply, Temper, TlsTemper};
use mailreeve_lab::world::World;
use world::places::{by_dns, mail_to};
use world::redaction::without_times;
use world::restarts::RESTARTS;
use world::{Gateway, PATIENCE, wait_until};

/// Replaces what differs from run to run.
fn redacted(text: &str, setting: &Setting) -> String {
    let mut text = text.to_owned();
    for (what, name) in &setting.names {
        text = text.replace(what.as_str(), name);
    }
    let lines: Vec<String> = text.lines().map(|line| without_times(line).trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

struct Setting {
    net: World,
    gateway: Gateway,
    names: Vec<(String, String)>,
}

impl Setting {
    /// A gateway that delivered, bounced, waits for a host that refuses, and for one whose name service is away.
    fn start() -> Self {
        let net = World::start(21).unwrap();
        let mut names = Vec::new();
        let fixed = Reply::new(550).enhanced("5.1.1").text("no such box");
        let up = net
            .settle("up.test", Temper::healthy().tls(TlsTemper::Refuse).recipient("nobody@*", fixed))
            .unwrap();
        let down = net.settle_absent("down.test", mailreeve_lab::world::Absent::Refusing).unwrap();
        net.dns().behave("unknown.test", mailreeve_lab::dns::Behaviour::ServFail).unwrap();
        let sender = net.host("sender.test", Temper::healthy(), Detail::default()).unwrap();
        let route = |domain: &str, to: SocketAddr| {
            format!(
                "[[route]]\ndomain = \"{domain}\"\nto = [\"[{}]:{}/pri=10\", \"[{}]:{}/pri=20\"]\n",
                to.ip(),
                to.port(),
                to.ip(),
                to.port() + 1
            )
        };
        let gateway = Gateway::start(&format!(
            "{}{}{}",
            by_dns(&net, "refused_networks = []\nidle = \"1s\""),
            route("routed.test", up.address()),
            route("sender.test", sender.address())
        ));
        mail_to(&gateway, &["one@up.test", "two@up.test", "nobody@up.test", "one@routed.test"]);
        wait_until("what goes out is out", || gateway.active() == 0);
        mail_to(&gateway, &["one@down.test", "two@down.test", "one@unknown.test"]);
        wait_until("what waits was tried", || {
            let seen = |host: &str| gateway.json(&format!("hoststatus {host}"))["reason"].is_string();
            seen("down.test") && seen("unknown.test")
        });
        wait_until("no connection is kept", || gateway.json("status")["gauges"]["conn_out"] == 0);
        for (what, name) in [
            (up.name().to_owned(), "MX-UP".to_owned()),
            (up.address().ip().to_string(), "IP-UP".to_owned()),
            (sender.address().ip().to_string(), "IP-SENDER".to_owned()),
            (down.ip().to_string(), "IP-DOWN".to_owned()),
            ((net.port() + 1).to_string(), "PORT2".to_owned()),
            (net.port().to_string(), "PORT".to_owned()),
        ] {
            names.push((what, name));
        }
        let shown = gateway.json("hoststatus down.test");
        let exchanger = shown["exchangers"][0]["name"].as_str().unwrap().to_owned();
        names.push((exchanger, "MX-DOWN".to_owned()));
        Self { net, gateway, names }
    }

    /// A command with its whole reply, both streams and the exit code.
    fn shown(&self, words: &str) -> String {
        let output = self.gateway.command(words);
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        let code = output.status.code().unwrap();
        let text = redacted(&format!("{out}{err}"), self);
        format!("$ mailreeve {words}\n{text}[exit {code}]\n\n")
    }

    fn book(&self, commands: &[&str]) -> String {
        commands.iter().map(|words| self.shown(words)).collect()
    }

    /// As [`book`](Self::book), each command when everybody who waits is held by a destination's clock.
    fn book_of_held(&self, commands: &[&str]) -> String {
        let held = || {
            let waiting = self.gateway.json("showrecipients all");
            let whys = waiting["recipients"].as_array().unwrap().iter().map(|one| one["why"].to_string());
            whys.filter(|why| why.starts_with("\"The destination is unreachable")).count() == 3
        };
        let shown = commands.iter().map(|words| {
            wait_until("a clock holds everybody", held);
            self.shown(words)
        });
        shown.collect()
    }
}

#[test]
fn every_command_as_operators_see_it() {
    let setting = Setting::start();
    insta::assert_snapshot!("status", setting.book(&["status", "status detail"]));
    insta::assert_snapshot!(
        "tophosts",
        setting.book(&[
            "tophosts",
            "tophosts active_rcpts",
            "tophosts conn_out",
            "tophosts deliv_recip",
            "tophosts hard_bounced",
            "tophosts soft_bounced",
            "tophosts nonsense",
        ])
    );
    insta::assert_snapshot!(
        "deliverystatus",
        setting.book(&[
            "deliverystatus",
            "deliverystatus host down",
            "deliverystatus status nowhere",
            "deliverystatus nonsense",
        ])
    );
    insta::assert_snapshot!(
        "hoststatus",
        setting.book(&[
            "hoststatus up.test",
            "hoststatus down.test",
            "hoststatus unknown.test",
            "hoststatus routed.test",
            "hoststatus never.test",
            "hoststatus",
        ])
    );
    insta::assert_snapshot!(
        "showrecipients",
        setting.book(&[
            "showrecipients all",
            "showrecipients host down.test",
            "showrecipients from a@sender.test",
            "showrecipients host up.test",
        ])
    );
    insta::assert_snapshot!("displayalerts", setting.book(&["displayalerts"]));
    insta::assert_snapshot!(
        "help",
        setting.book(&["help", "help tophosts", "help delivernow", "help nonsense", "tophost", "nonsense"])
    );
    let waiting = setting.gateway.json("showrecipients host down.test");
    let mid = waiting["recipients"][0]["mid"].as_u64().unwrap();
    insta::assert_snapshot!(
        "delivernow",
        setting.book_of_held(&[
            "delivernow down.test",
            &format!("delivernow {mid}"),
            "delivernow all",
            "delivernow up.test",
            "delivernow 999999",
            "delivernow",
        ])
    );
    assert!(setting.net.dns().asked("unknown.test", mailreeve_lab::dns::RecordType::MX) > 0);
}

/// Completed = Hard + Delivered + Deleted, Active = Unattempted + Attempted, in every column and for every host.
#[test]
fn counters_add_up() {
    let setting = Setting::start();
    let status = setting.gateway.json("status detail");
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    for column in ["reset", "uptime", "lifetime"] {
        let counters = &status[column];
        assert_eq!(number(&counters["inj_msgs"]), 7, "{status:#}");
        assert_eq!(number(&counters["inj_recips"]), 7);
        assert_eq!(number(&counters["gen_bounce_recips"]), 1);
        let ends = counters;
        let hard: u64 = ["dns", "5xx", "filter", "expired", "other"]
            .iter()
            .map(|kind| number(&ends[format!("{kind}_hard_bounced_recips")]))
            .sum();
        assert_eq!(hard, 1);
        // Three for their recipients and one report.
        assert_eq!(number(&ends["delivered_recips"]), 4);
        let completed = hard + number(&ends["delivered_recips"]) + number(&ends["deleted_recips"]);
        let active = number(&status["gauges"]["active_recips"]);
        assert_eq!(7 + 1, completed + active, "what came in is done or waits: {status:#}");
    }
    let gauges = &status["gauges"];
    assert_eq!(
        number(&gauges["active_recips"]),
        number(&gauges["unattempted_recips"]) + number(&gauges["attempted_recips"])
    );
    assert_eq!(number(&gauges["active_recips"]), 3);
    let hosts = setting.gateway.json("tophosts");
    let hosts = hosts["hosts"].as_array().unwrap();
    let sum = |key: &str| hosts.iter().map(|host| number(&host[key])).sum::<u64>();
    assert_eq!((sum("active_recips"), sum("delivered_recips"), sum("hard_bounced_recips")), (3, 4, 1));
    let shown = setting.gateway.json("deliverystatus");
    let totals = &shown["totals"];
    let sums = ["active_recips", "delivered_recips", "hard_bounced_recips"].map(|key| number(&totals[key]));
    assert_eq!(sums, [3, 4, 1], "the same as in tophosts: {shown:#}");
    let told: u64 =
        shown["cohorts"].as_array().unwrap().iter().map(|cohort| number(&cohort["recipients"])).sum();
    let others = number(&totals["moving_recips"]) + number(&shown["others_waiting"]);
    assert_eq!(told + others, 3, "who waits has a reason or is on the way: {shown:#}");
}

#[test]
fn what_waits_goes_out_when_told_and_not_before() {
    let setting = Setting::start();
    let at: SocketAddr = {
        let shown = setting.gateway.json("hoststatus down.test");
        let ip = shown["addresses"]["ordered"][0][1].as_str().unwrap().to_owned();
        format!("{ip}:{}", setting.net.port()).parse().unwrap()
    };
    // The lab's refusing host holds the address: the exchanger moves to another one.
    let healthy = setting.net.host("down.test", Temper::healthy(), Detail::default()).unwrap();
    assert_ne!(healthy.address(), at);
    let zone = mailreeve_lab::dns::Zone::new("down.test").mx(10, healthy.name());
    setting.net.dns().put(&zone.address(healthy.name(), healthy.address().ip())).unwrap();
    assert_eq!(healthy.connections(), 0);
    setting.gateway.text("delivernow down.test");
    assert!(healthy.wait_for(2, PATIENCE));
    wait_until("the host is up", || setting.gateway.json("hoststatus down.test")["status"] == "up");
}

#[test]
fn a_host_that_was_down_is_down_since_then_after_every_restart() {
    let mut setting = Setting::start();
    let verdict = |gateway: &Gateway| {
        let shown = gateway.json("hoststatus down.test");
        (shown["status"].clone(), shown["since_us"].clone(), shown["failure"]["cause"].clone())
    };
    let before = verdict(&setting.gateway);
    assert_eq!((before.0.as_str(), before.2.as_str()), (Some("down"), Some("connect-refused")));
    let kept = setting.gateway.folder.path().join("data/verdicts");
    wait_until("a kill may come", || {
        std::fs::read_to_string(&kept).is_ok_and(|text| text.contains("down.test"))
    });
    for restart in RESTARTS {
        restart(&mut setting.gateway);
        assert_eq!(verdict(&setting.gateway), before);
    }
}

#[test]
fn a_number_of_which_nothing_waits_is_said_to_be_gone_or_unknown() {
    let setting = Setting::start();
    let refusal = |words: &str| {
        let output = setting.gateway.command(words);
        assert!(!output.status.success(), "{words}");
        String::from_utf8(output.stderr).unwrap()
    };
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let newest = number(&setting.gateway.json("status")["current_ids"][0]);
    let waiting = setting.gateway.json("showrecipients all");
    let waits: Vec<u64> =
        waiting["recipients"].as_array().unwrap().iter().map(|row| number(&row["mid"])).collect();
    let gone = (1..newest).find(|mid| !waits.contains(mid)).unwrap();
    let told = refusal(&format!("delivernow {gone}"));
    assert!(told.contains(&format!("MID {gone} is not in the queue any more")), "{told}");
    let told = refusal(&format!("delivernow {}", newest + 1_000_000));
    assert!(told.contains("no message has the number ") && told.contains("newest message"), "{told}");
    assert!(refusal("delivernow ann@down.test").contains("is no recipient host"));
    assert!(refusal("hoststatus down..test").contains("is no recipient host"));
    assert!(refusal("showrecipients from nobody").contains("is no envelope sender"));
}

#[test]
fn a_long_list_of_recipients_is_read_page_by_page() {
    let setting = Setting::start();
    let (mut command, mut seen) = ("showrecipients all limit 1".to_owned(), 0);
    loop {
        let text = setting.gateway.text(&command);
        seen += text.lines().filter(|line| line.starts_with('[') && line.contains('@')).count();
        assert!(text.contains("1 of 3 waiting recipients are listed"), "{text}");
        let Some(next) = text.split('`').nth(1) else { break };
        command = format!("{next} limit 1");
    }
    assert_eq!(seen, 3);
}
