//! What the runs reached. The list is explicit: a point that no seed reaches fails the run, so a state that
//! the simulation has stopped visiting is noticed.

use mailreeve_core::delivery::io::{Input, Order, Scope, Whom};

macro_rules! points {
    ($($name:ident = $label:literal,)*) => {
        /// Something that a run can reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Point { $($name,)* }

        /// Every point with its label, in order.
        const ALL: &[(Point, &str)] = &[$((Point::$name, $label),)*];
    };
}

points! {
    ReachOpen = "world: open",
    ReachRefuses = "world: refuses",
    ReachDropsSyn = "world: drops SYN",
    ReachNoRoute = "world: no route",
    ReachSystemError = "world: system error",
    ReachSilent = "world: silent banner",
    ReachClosesAtOnce = "world: closes before the banner",
    ReachGreets4xx = "world: greets 4xx",
    ReachGreets5xx = "world: greets 5xx",
    ReachGreets521 = "world: greets 521",
    ReachRejectsHello = "world: rejects HELO",
    ReachHelloTimeout = "world: silent after EHLO",
    ReachBabbles = "world: not SMTP",
    ReachRejectsLogin = "world: rejects AUTH",
    TlsGood = "world: TLS good",
    TlsMissing = "world: TLS missing",
    TlsBroken = "world: TLS broken",
    TlsBadCertificate = "world: TLS certificate bad",
    MailTakes = "world: takes mail",
    MailRcpt4xx = "world: RCPT 4xx",
    MailRcpt5xx = "world: RCPT 5xx",
    MailMixed = "world: RCPT mixed",
    MailClosesMidway = "world: closes midway",
    MailClosesAfterData = "world: closes after data",
    MailTimesOut = "world: times out in a transaction",
    MailThrottles = "world: throttles",
    MailTakesAndCloses = "world: takes and closes",
    PeerSmall = "world: SIZE too small met",
    PeerNoUtf8 = "world: no SMTPUTF8 met",
    PeerNoEightBit = "world: no 8BITMIME met",
    PeerLimits = "world: LIMITS met",
    PeerCloses = "world: closes an idle connection",
    TakenOver = "world: a connection served another destination",
    SecondTarget = "world: a later target took the connection",
    DnsAnswers = "dns: answers",
    DnsServfail = "dns: SERVFAIL",
    DnsTimeout = "dns: timeout",
    DnsNoAddress = "dns: no address",
    DnsNxdomain = "dns: NXDOMAIN",
    DnsNullMx = "dns: null MX",
    DnsLoop = "dns: ourselves",
    UnknownToUp = "host: unknown to up",
    UnknownToDown = "host: unknown to down",
    UpToDown = "host: up to down",
    UpToUnknown = "host: up to unknown",
    DownToUp = "host: down to up",
    DownToUnknown = "host: down to unknown",
    VerdictAged = "host: verdict aged",
    VerdictCarried = "host: verdict carried over a restart",
    TrialFailed = "host: a trial failed",
    TrialWon = "host: a trial won",
    BackoffAtMax = "host: clock at its maximum",
    WhyAttempting = "why: attempting",
    WhyWaitingForRetry = "why: waiting for retry",
    WhyHostBackoff = "why: host backoff",
    WhyHostOnTrial = "why: host on trial",
    WhyResolving = "why: resolving",
    WhyConnecting = "why: connecting",
    WhyLimitGateway = "why: connection limit of the gateway",
    WhyLimitDestination = "why: connection limit of the destination",
    WhyLimitAddress = "why: connection limit of an address",
    WhyOpeningAddress = "why: enough connections are being opened to an address",
    WhyRateDestination = "why: rate limit of the destination",
    WhyRateAddress = "why: rate limit of an address",
    WhySuspendedAll = "why: suspended everywhere",
    WhySuspendedHost = "why: suspended for the destination",
    WhySpoolSpace = "why: spool space",
    WhyShuttingDown = "why: shutting down",
    InEnqueue = "input: Enqueue",
    InResolved = "input: Resolved",
    InReady = "input: Ready",
    InUnusable = "input: Unusable",
    InOutcome = "input: Outcome",
    InClosed = "input: Closed",
    InTick = "input: Tick",
    InDeliverNowAll = "input: DeliverNow all",
    InDeliverNowHost = "input: DeliverNow host",
    InDeliverNowMessage = "input: DeliverNow message",
    InSuspendAll = "input: Suspend all",
    InSuspendHost = "input: Suspend host",
    InResumeAll = "input: Resume all",
    InResumeHost = "input: Resume host",
    InOrderAll = "input: Order for all",
    InOrderHost = "input: Order for a host",
    InOrderMessages = "input: Order for messages",
    InGoOn = "input: GoOn",
    OrderAwaits = "order: concerns one in a transaction",
    OrderActedLater = "order: done to one that came back",
    OrderSpared = "order: later mail is in its scope",
    OrderRested = "order: rests without disk space",
    OrderAgain = "order: given again while it is open",
    OrderResumed = "order: goes on after a restart",
    InReconfigure = "input: Reconfigure",
    InSpoolExhausted = "input: SpoolSpace exhausted",
    InSpoolEnough = "input: SpoolSpace enough",
    InRecordCorrupt = "input: RecordCorrupt",
    InProbed = "input: Probed",
    InShutdown = "input: Shutdown",
    OutResolve = "effect: Resolve",
    OutConnect = "effect: Connect",
    OutTransact = "effect: Transact",
    OutQuit = "effect: Quit",
    OutRecord = "effect: Record",
    OutRetried = "effect: Retried",
    OutDefer = "effect: Defer",
    OutEnd = "effect: End",
    OutRedirect = "effect: Redirect",
    OutSlice = "effect: Slice",
    OutOrderOver = "effect: OrderOver",
    EndDelivered = "end: delivered",
    EndHard = "end: bounced, 5xx",
    EndGreeting521 = "end: bounced, 521",
    EndDns = "end: bounced, name service",
    EndExpiredAge = "end: expired by age",
    EndExpiredAttempts = "end: expired by attempts",
    EndUtf8 = "end: bounced, SMTPUTF8",
    EndSize = "end: bounced, SIZE",
    EndEightBit = "end: bounced, 8BITMIME",
    EndOperatorBounce = "end: bounced by an operator",
    EndOperatorDelete = "end: deleted by an operator",
    EndArchived = "end: archived by an operator",
    EndDiscarded = "end: discarded by a route",
    EndCorrupt = "end: corrupt",
    EndLast = "end: last of its message",
    ReportedBounce = "report: bounce",
    UnreportedNull = "report: none, null sender",
    UnreportedNotify = "report: none, not requested",
    UnreportedProfile = "report: none, profile",
    ReportedDelay = "report: delay",
    DeferHost = "defer: the one that tried an unreachable host",
    DeferOwn = "defer: its own failure",
    DeferForced = "defer: a forced try that does not count",
    JumpHour = "fault: clock forward an hour",
    JumpHourBack = "fault: clock back an hour",
    JumpDay = "fault: clock forward a day",
    JumpDayBack = "fault: clock back a day",
    JumpDecade = "fault: clock forward ten years",
    RestartCrash = "fault: crash",
    RestartCrashBusy = "fault: crash with a transaction under way",
    RestartLostCommit = "fault: crash before a commit",
    RestartClean = "fault: clean restart",
    SentAgain = "fault: sent again after a crash",
    Healed = "the healed world is empty",
}

/// Counts of the points.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    counts: Vec<u64>,
}

impl Coverage {
    /// Counts which input this is.
    pub(crate) fn input(&mut self, input: &Input) {
        self.hit(match input {
            Input::Enqueue(_) => Point::InEnqueue,
            Input::Resolved { .. } => Point::InResolved,
            Input::Ready { .. } => Point::InReady,
            Input::Unusable { .. } => Point::InUnusable,
            Input::Outcome { .. } => Point::InOutcome,
            Input::Closed { .. } => Point::InClosed,
            Input::Tick => Point::InTick,
            Input::DeliverNow { scope: Scope::All, .. } => Point::InDeliverNowAll,
            Input::DeliverNow { scope: Scope::Host(_), .. } => Point::InDeliverNowHost,
            Input::DeliverNow { scope: Scope::Message(_), .. } => Point::InDeliverNowMessage,
            Input::Suspend { host: None, .. } => Point::InSuspendAll,
            Input::Suspend { host: Some(_), .. } => Point::InSuspendHost,
            Input::Resume { host: None, .. } => Point::InResumeAll,
            Input::Resume { host: Some(_), .. } => Point::InResumeHost,
            Input::Order(Order { whom: Whom::All, .. }) => Point::InOrderAll,
            Input::Order(Order { whom: Whom::Host(_), .. }) => Point::InOrderHost,
            Input::Order(Order { whom: Whom::Messages(_), .. }) => Point::InOrderMessages,
            // Never given here: it leaves nothing behind that a model could be compared with.
            Input::Held(_) => return,
            Input::GoOn { .. } => Point::InGoOn,
            Input::Reconfigure(_) => Point::InReconfigure,
            Input::SpoolSpace { exhausted: true } => Point::InSpoolExhausted,
            Input::SpoolSpace { exhausted: false } => Point::InSpoolEnough,
            Input::RecordCorrupt { .. } => Point::InRecordCorrupt,
            Input::Probed { .. } => Point::InProbed,
            Input::Shutdown => Point::InShutdown,
        });
    }

    /// Nothing was reached yet.
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; ALL.len()] }
    }

    /// Counts one more.
    pub(crate) fn hit(&mut self, point: Point) {
        self.counts[point as usize] += 1;
    }

    /// Adds what another run reached.
    pub(crate) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
    }

    /// Lists label and count.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        ALL.iter().map(|&(point, label)| (label, self.counts[point as usize]))
    }

    /// Lists the points at zero.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        self.rows().filter(|&(_, count)| count == 0).map(|(label, _)| label).collect()
    }
}
