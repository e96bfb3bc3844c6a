//! `mailreeve demo`: a gateway, an Internet around it and mail in between, on loopback, with nothing to set up.
//!
//! The gateway is this program, started again as it would be at a site, with a configuration file of ordinary
//! settings; it does not know that it is a demo. The Internet is the lab's and lives in this process. Everything
//! that is written is in one temporary folder. Whatever ends the demo, children and folder are gone with it:
//! they go when the values here are dropped.

mod cast;
mod desk;
mod folder;
mod gateway;
mod guide;
mod ports;
mod settings;
mod states;
mod tour;
mod traffic;
mod wake;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use mailreeve_lab::words::fresh_seed;

use cast::Cast;
use folder::Folder;
use gateway::Gateway;
use ports::Ports;
use states::States;
use wake::{Wake, Waker};

/// What the demo is to do.
#[derive(Debug, Args)]
#[command(
    long_about = "Runs a gateway, an Internet of mail hosts in every state, and mail between them, on loopback \
        addresses of this machine. Nothing needs to be set up and nothing is left behind. It runs until \
        Ctrl-C; from a second terminal every operator's command can be tried on it."
)]
pub(crate) struct DemoArgs {
    /// Walk through both support procedures, command by command, then go on until Ctrl-C.
    ///
    /// On a terminal each step waits for Enter. Elsewhere the walk ends the demo.
    #[arg(long)]
    tour: bool,
    /// End by itself after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Where names, texts and letters come from; left out: new each time.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

/// How long up, down and unknown may take to be there, before the demo goes on without saying when.
const SOON: Duration = Duration::from_secs(30);
/// Starts, where ports that were free are taken by others in the meantime, and how soon that is seen.
const TRIES: usize = 3;
const QUICK: Duration = Duration::from_secs(10);
/// Between two looks at the gateway while something is waited for.
const LOOK: Duration = Duration::from_millis(250);

/// Runs the demo to its end.
///
/// # Errors
/// What the machine lacks for it, or a gateway that ended by itself.
pub(crate) fn run(args: &DemoArgs) -> Result<()> {
    let waker = Waker::start().context("signals cannot be heard")?;
    let deadline = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let seed = args.seed.unwrap_or_else(fresh_seed);
    let folder = Folder::create()?;
    let Some((ports, cast, mut gateway)) = set_up(seed, &folder, &waker)? else {
        return say("Stopped before the gateway was up.\n");
    };
    let traffic = traffic::start(seed, &ports, &cast)?;
    let login = desk::first_login(&folder, &waker);
    let place = guide::Place { folder: &folder, ports: &ports, cast: &cast, login: login.as_ref() };
    say(&guide::opening(&place))?;
    let stage = Stage { waker: &waker, deadline };
    let mut gone_on = stage.watch_states(&mut gateway, &cast)?;
    if gone_on && args.tour {
        let wait = at_a_terminal();
        if wait {
            waker.hear_enter()?;
        }
        gone_on = tour::walk(&tour::Ground { folder: &folder, ports: &ports, cast: &cast }, &stage, wait)?;
        gone_on &= wait || deadline.is_some();
    }
    if gone_on {
        if at_a_terminal() && !args.tour {
            waker.hear_enter()?;
        }
        say(&guide::idle(at_a_terminal()))?;
        stage.idle(&mut gateway, &place)?;
    }
    say("\nEnding: traffic, gateway, hosts, folder.\n")?;
    let tally = traffic.stop();
    gateway.stop()?;
    say(&guide::closing(&tally))
}

/// Starts the lab and the gateway; `None` when the demo was stopped meanwhile.
fn set_up(seed: u64, folder: &Folder, waker: &Waker) -> Result<Option<(Ports, Cast, Gateway)>> {
    let begin = Instant::now();
    for _ in 1..TRIES {
        let ports = Ports::choose()?;
        match start(seed, folder, &ports, waker) {
            Ok(started) => return Ok(started.map(|(cast, gateway)| (ports, cast, gateway))),
            // Between the look at a port and its use somebody else may have been quicker. Whatever else is
            // wrong is still wrong the next time, and told then.
            Err(error) if begin.elapsed() > QUICK => return Err(error),
            Err(_) => {}
        }
    }
    let ports = Ports::choose()?;
    Ok(start(seed, folder, &ports, waker)?.map(|(cast, gateway)| (ports, cast, gateway)))
}

fn start(seed: u64, folder: &Folder, ports: &Ports, waker: &Waker) -> Result<Option<(Cast, Gateway)>> {
    let cast = Cast::assemble(seed, ports)?;
    let mut gateway = Gateway::start(folder, ports, &cast)?;
    if gateway.ready(waker)? {
        return Ok(Some((cast, gateway)));
    }
    gateway.stop()?;
    Ok(None)
}

/// What ends waits: an interrupt, or the time that was given.
struct Stage<'a> {
    waker: &'a Waker,
    deadline: Option<Instant>,
}

impl Stage<'_> {
    /// Waits; says whether the demo is to go on.
    fn pause(&self, time: Duration) -> Result<bool> {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(false);
        }
        Ok(self.waker.wait(left.map_or(time, |left| left.min(time))) != Some(Wake::Stop))
    }

    /// Waits for Enter; says whether the demo is to go on.
    fn enter(&self) -> Result<bool> {
        loop {
            match self.waker.wait(LOOK) {
                Some(Wake::Enter) => return Ok(true),
                Some(Wake::Stop) => return Ok(false),
                None if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) => return Ok(false),
                None => {}
            }
        }
    }

    /// Lets mail flow until the demo is to end; shows again where to look whenever Enter asks for it.
    fn idle(&self, gateway: &mut Gateway, place: &guide::Place<'_>) -> Result<()> {
        loop {
            let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            match self.waker.wait(left.map_or(LOOK, |left| left.min(LOOK))) {
                Some(Wake::Stop) => return Ok(()),
                Some(Wake::Enter) => say(&guide::where_to_look(place))?,
                None => {}
            }
            gateway.check()?;
        }
    }

    /// Says how many destinations are up, down and unknown once all have been tried, or enough time was given to
    /// those that take long; says whether the demo is to go on.
    fn watch_states(&self, gateway: &mut Gateway, cast: &Cast) -> Result<bool> {
        let expected: Vec<&str> = cast.destinations.iter().map(|member| member.domain.as_str()).collect();
        let begin = Instant::now();
        loop {
            gateway.check()?;
            let (states, all_tried) = match States::ask(gateway.socket(), &expected) {
                Ok(told) => told,
                // One that is ending does not answer: then its end is what is to be told.
                Err(error) => return gateway.has_ended().and(Err(error)),
            };
            let late = begin.elapsed() >= SOON;
            if states.are_all_seen() && (all_tried || late) {
                say(&guide::states(&states, begin.elapsed()))?;
                return Ok(true);
            }
            if late {
                bail!(
                    "after {SOON:?} destinations are not up, down and unknown: the machine may be too busy for a demo"
                );
            }
            if !self.pause(LOOK)? {
                return Ok(false);
            }
        }
    }
}

/// Whether somebody reads here and can press Enter.
fn at_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Writes to the terminal, at once.
fn say(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("nobody reads what the demo says")
}
