//! Events as a gateway tells them, made from a seed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mailreeve_core::event::{
    AbortReason, BounceKind, Cause, CloseReason, Event, Failure, PeerAction, RecipientRule, Stage, Stamped,
};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_core::message::header_facts;

/// When it begins, microseconds since the epoch.
pub(crate) const BEGIN: u64 = 1_760_000_000_000_000;
/// How long it goes on, at most.
pub(crate) const SPAN: u64 = 40 * 86_400_000_000;
pub(crate) const HOSTS: [&str; 4] = ["a.example", "b.example", "mx1.b.example", "mail.sender.example"];

pub(crate) const ADDRESSES: [&str; 6] = [
    "ann@sender.example",
    "Bob.Builder@A.example",
    "用户@例え.example",
    "\"quoted name\"@b.example",
    "ΣΊΣΥΦΟΣ@b.example",
    "x@y.example",
];

/// Subjects as they stand in headers, some of them encoded.
pub(crate) const SUBJECTS: [&str; 9] = [
    "Quarterly Report 2026",
    "RE: quarterly   report",
    "=?UTF-8?B?6KuL5rGC5pu444Gu44GU5qGI5YaF?=",
    "=?iso-8859-1?Q?Gr=FC=DFe_aus_K=F6ln?=",
    "東京支店 会議のお知らせ",
    "ﾃｽﾄ ＦＵＬＬ ①②",
    "🙂🙃 party",
    "안녕하세요 회의",
    "a",
];

pub(crate) fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, number).into()
}

/// A gateway's traffic.
pub(crate) struct Traffic {
    state: u64,
    at: u64,
    next: [u64; 3],
    /// Open messages with their recipients that wait.
    open: Vec<(Mid, Vec<u32>)>,
    coming: Vec<(Icid, u32)>,
    told: Vec<Stamped>,
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Self {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Self { state, at: BEGIN, next: [0; 3], open: Vec::new(), coming: Vec::new(), told: Vec::new() }
    }

    /// The next so many steps.
    pub(crate) fn events(&mut self, steps: usize) -> Vec<Stamped> {
        for _ in 0..steps {
            self.at += self.below(30 * 60_000_000);
            match self.below(10) {
                0 | 1 => self.connect(),
                2 => self.close(),
                3..=6 => self.send(),
                _ => self.go_on(),
            }
        }
        self.take()
    }

    /// What has been told since.
    pub(crate) fn take(&mut self) -> Vec<Stamped> {
        std::mem::take(&mut self.told)
    }

    pub(crate) fn now(&self) -> u64 {
        self.at
    }

    /// The daemon has ended.
    pub(crate) fn forget_connections(&mut self) {
        self.coming.clear();
    }

    /// A message over a connection of its own, delivered.
    pub(crate) fn message(&mut self, subject: &str, sender: &str, to: &[&str]) -> Mid {
        self.connect();
        let (icid, _) = self.coming.pop().unwrap();
        self.accept(icid, subject, sender, to)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn number(&mut self, which: usize) -> u64 {
        self.next[which] += 1;
        self.next[which]
    }

    fn tell(&mut self, event: Event) {
        self.at += 1 + self.below(1_000);
        self.told.push(Stamped { at: self.at, event });
    }

    fn connect(&mut self) {
        let icid = Icid(self.number(0));
        let ip = address(self.below(6) as u8);
        let (local, peer) = ("192.0.2.1:25".parse().unwrap(), SocketAddr::new(ip, 4711));
        self.tell(Event::ConnectionOpened { icid, listener: "in".into(), local, peer });
        if self.below(4) > 0 {
            let reverse = (self.below(3) > 0).then(|| "Mail.Sender.example".to_owned());
            let (group, rule, verified) = ("ALL".to_owned(), "all".to_owned(), false);
            let action = PeerAction::Accept;
            self.tell(Event::PeerJudged {
                icid,
                peer: ip,
                reverse,
                verified,
                lookup_us: None,
                action,
                group,
                rule,
            });
        }
        self.coming.push((icid, 0));
    }

    fn close(&mut self) {
        if self.coming.is_empty() {
            return;
        }
        let at = self.below(self.coming.len() as u64) as usize;
        let (icid, messages) = self.coming.remove(at);
        let lost = CloseReason::Lost { before_commands: messages == 0, detail: "reset".into() };
        let why = if self.below(2) == 0 { CloseReason::Quit } else { lost };
        self.tell(Event::ConnectionClosed { icid, peer: address(0), why, lasted_us: 9, messages });
    }

    fn send(&mut self) {
        if self.coming.is_empty() {
            self.connect();
        }
        let at = self.below(self.coming.len() as u64) as usize;
        let icid = self.coming[at].0;
        let (subject, sender) = (self.of(&SUBJECTS), self.of(&ADDRESSES));
        match self.below(8) {
            0 => self.tell(Event::SenderRejected { icid, sender: sender.into(), reply: "452 full".into() }),
            1 => {
                let mid = Mid(self.number(1));
                let rule = RecipientRule::RelayDenied;
                self.tell(Event::MessageStarted { mid, icid, sender: sender.into() });
                let address = self.of(&ADDRESSES).to_owned();
                self.tell(Event::RecipientRejected { mid, icid, address, rule, reply: "550 no".into() });
                if self.below(3) > 0 {
                    self.tell(Event::MessageAborted { mid, icid, why: AbortReason::BySender });
                }
            }
            _ => {
                let to: Vec<&str> = (0..=self.below(3)).map(|_| self.of(&ADDRESSES)).collect();
                let sender = if self.below(9) == 0 { "" } else { sender };
                self.accept(icid, subject, sender, &to);
                self.coming[at].1 += 1;
            }
        }
    }

    fn accept(&mut self, icid: Icid, subject: &str, sender: &str, to: &[&str]) -> Mid {
        let mid = Mid(self.number(1));
        self.tell(Event::MessageStarted { mid, icid, sender: sender.into() });
        for (rid, address) in (0..).map(Rid).zip(to) {
            self.tell(Event::RecipientAccepted { mid, icid, rid, address: (*address).into() });
        }
        let facts = header_facts(
            format!("Subject: {subject}\r\nMessage-ID: <Id-{mid}@Sender.example>\r\n\r\n").as_bytes(),
        );
        let recipients = u32::try_from(to.len()).unwrap();
        self.tell(Event::Accepted {
            mid,
            icid,
            size: 900,
            sender: sender.into(),
            message_id: facts.message_id,
            subject: facts.subject,
            recipients,
        });
        let rids: Vec<u32> = (0..recipients).collect();
        let host = Host::new(self.of(&HOSTS));
        if self.below(10) > 0 {
            self.tell(Event::Queued {
                mid,
                destinations: vec![(host, rids.iter().copied().map(Rid).collect())],
            });
        }
        self.open.push((mid, rids));
        mid
    }

    /// Something happens to an open message.
    fn go_on(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let at = self.below(self.open.len() as u64) as usize;
        let (mid, rid) = (self.open[at].0, Rid(*self.open[at].1.last().unwrap()));
        let host = Host::new(self.of(&HOSTS));
        let dcid = self.hop(&host);
        let by = "ann".to_owned();
        match self.below(9) {
            0..=2 => {
                let failure = failure(Cause::Reply4xx, address(self.below(6) as u8));
                return self.tell(Event::Deferred { dcid, mid, rid, host, failure, next_at: 9, attempts: 1 });
            }
            3 => {
                let failure = failure(Cause::Reply5xx, address(self.below(6) as u8));
                let (kind, unreported) = (BounceKind::FiveXx, None);
                self.tell(Event::Bounced { dcid, mid, rid, host, kind, failure, unreported });
            }
            4 => self.tell(Event::Deleted { mid, rid, host, by }),
            5 => {
                let detail = "bad checksum".to_owned();
                self.tell(Event::Corrupt { mid, recipients: self.open[at].1.len() as u32, detail });
                self.open[at].1.clear();
            }
            _ => self.tell(Event::Delivered { dcid, mid, rids: vec![rid], host, reply: "250 ok".into() }),
        }
        self.open[at].1.pop();
        if self.open[at].1.is_empty() {
            self.open.swap_remove(at);
            self.tell(Event::Finished { mid });
        }
    }

    fn hop(&mut self, host: &Host) -> Dcid {
        let dcid = Dcid(self.number(2));
        let peer = SocketAddr::new(address(self.below(6) as u8), 25);
        let (local, name) = ("192.0.2.1:4000".parse().unwrap(), format!("MX1.{host}"));
        self.tell(Event::DeliveryOpened { dcid, host: host.clone(), local, peer, name });
        dcid
    }
}

fn failure(cause: Cause, address: IpAddr) -> Failure {
    let text = vec!["4.7.1 later".to_owned()];
    let address = Some(SocketAddr::new(address, 25));
    Failure { stage: Stage::Rcpt, cause, status: (4, 7, 1), code: 451, text, address, at: 1 }
}
