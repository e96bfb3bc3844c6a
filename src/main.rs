//! Mailreeve: one binary for the daemon, the operator's command line and the lab.

mod demo;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use mailreeve_cli::{Invocation, reference};
use mailreeve_desk::user_command::{self, UserCommand};
use mailreeve_gateway::configuration;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Mail is allocated and freed by several threads all day; this allocator does not mind.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An email security gateway that can say where every message is, and why.
#[derive(Parser)]
#[command(
    name = "mailreeve",
    version,
    // `help` is an operator's command: it tells those that the registry knows.
    disable_help_subcommand = true,
    after_help = "Any other word is an operator's command: `mailreeve help` lists them. Without any word a session \
                  begins, as with `cli`."
)]
struct Arguments {
    /// The configuration file; without it mailreeve.toml in $CONFIGURATION_DIRECTORY, or the built-in defaults.
    #[arg(long, short, global = true, value_name = "FILE", env = "MAILREEVE_CONFIG")]
    config: Option<PathBuf>,
    /// The daemon's socket; taken from the configuration when not given.
    #[arg(long, global = true, value_name = "PATH", env = "MAILREEVE_SOCKET")]
    socket: Option<PathBuf>,
    /// Print replies as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway in the foreground.
    Serve {
        /// Stop in order when the process that starts the gateway, which must have this number, ends in whatever way.
        #[arg(long, value_name = "PID")]
        end_with: Option<i32>,
    },
    /// Run a gateway, mail hosts in every state and mail between them, with nothing to set up.
    Demo(demo::DemoArgs),
    /// Tell every mistake of a configuration file.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Test hosts, name servers, senders and sinks on loopback.
    Lab(Box<mailreeve_lab::command::LabArgs>),
    /// Print what is made from the list of commands: completion for a shell, man pages, the command reference.
    Reference {
        /// What to print.
        what: Reference,
        /// Write the man pages into this folder, one file each.
        #[arg(long, value_name = "FOLDER", required_if_eq("what", "man"))]
        to: Option<PathBuf>,
    },
    /// Who may use the desk: users, roles, passwords, tokens.
    #[command(subcommand)]
    DeskUser(UserCommand),
    /// The role of the daemon that browsers and programs talk to; the daemon starts it.
    #[command(hide = true)]
    Desk,
    /// Begin a session: a prompt that takes commands until `quit`.
    ///
    /// Tab completes commands and names of destinations, the arrow keys bring earlier lines back. `;` stands between
    /// several commands of a line. Ctrl-C aborts the command that runs, or the line; Ctrl-D leaves. Without a terminal
    /// the lines of standard input are carried out, and nothing is asked.
    Cli {
        /// Carry out this line instead, with `;` between its commands, and end.
        line: Option<String>,
    },
    /// An operator's command.
    #[command(external_subcommand)]
    Operator(Vec<String>),
}

/// Kinds of reference.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Reference {
    Bash,
    Zsh,
    Fish,
    Man,
    Markdown,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    arguments.config = arguments.config.or_else(configuration::default_file);
    let place = Place { config: arguments.config.clone(), socket: arguments.socket, json: arguments.json };
    let Some(command) = arguments.command else { return without_words(place) };
    match command {
        Command::Serve { end_with } => serve(arguments.config.as_deref(), end_with),
        Command::Demo(demo) => match demo::run(&demo) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("{error:#}")),
        },
        Command::Check { file } => check(&file),
        Command::Lab(lab) => match mailreeve_lab::command::run(*lab) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("{error:#}")),
        },
        Command::Reference { what, to } => match print_reference(what, to.as_deref()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&error.to_string()),
        },
        Command::DeskUser(command) => desk_user(command, arguments.config.as_deref()),
        Command::Desk => match mailreeve_desk::run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&format!("{error:#}")),
        },
        Command::Cli { line } => operator(place, |invocation| match &line {
            // Whoever comes by `ssh` without a command says nothing here.
            Some(line) if !line.trim().is_empty() => {
                mailreeve_cli::run_line(invocation, line, &mut io::stdout().lock(), &mut io::stderr().lock())
            }
            Some(_) | None => mailreeve_cli::session(invocation),
        }),
        Command::Operator(words) => operator(place, |invocation| {
            let invocation = Invocation { words: &words, ..invocation.clone() };
            mailreeve_cli::run(&invocation, &mut io::stdout().lock(), &mut io::stderr().lock())
        }),
    }
}

fn print_reference(what: Reference, to: Option<&std::path::Path>) -> io::Result<()> {
    let out = &mut io::stdout().lock();
    match what {
        Reference::Bash => reference::completion(Shell::Bash, Arguments::command(), out),
        Reference::Zsh => reference::completion(Shell::Zsh, Arguments::command(), out),
        Reference::Fish => reference::completion(Shell::Fish, Arguments::command(), out),
        Reference::Markdown => out.write_all(reference::markdown().as_bytes())?,
        Reference::Man => {
            let folder = to.unwrap_or(std::path::Path::new("."));
            std::fs::create_dir_all(folder)?;
            for page in reference::man_pages(Arguments::command())? {
                std::fs::write(folder.join(page.file), page.text)?;
            }
        }
    }
    Ok(())
}

fn serve(file: Option<&std::path::Path>, end_with: Option<i32>) -> ExitCode {
    if let Some(parent) = end_with
        && let Err(problem) = follow(parent)
    {
        return complain(&problem);
    }
    match mailreeve_gateway::serve(file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}")),
    }
}

/// Has this process told to stop when its parent ends.
fn follow(parent: i32) -> Result<(), String> {
    set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| format!("the end of process {parent} cannot be waited for: {error}"))?;
    // Only now: one that ended before would be waited for in vain.
    let is_parent = getppid().is_some_and(|pid| pid.as_raw_pid() == parent);
    is_parent.then_some(()).ok_or_else(|| {
        format!("process {parent} is not the one that starts this gateway, or has ended\nhint: --end-with takes the number of the process that starts the gateway")
    })
}

fn desk_user(command: UserCommand, file: Option<&std::path::Path>) -> ExitCode {
    let done = configuration::read(file).map_err(Into::into).and_then(|text| {
        user_command::run(command, &configuration::desk_folder(&text.config), &mut io::stdout().lock())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&format!("{error:#}")),
    }
}

fn check(file: &std::path::Path) -> ExitCode {
    match configuration::read(Some(file)) {
        Ok(_) => {
            // Nobody to tell when standard output is closed.
            let _ = writeln!(io::stdout(), "{}: no mistakes found", file.display());
            ExitCode::SUCCESS
        }
        Err(error) => complain(&error.to_string()),
    }
}

/// Which gateway an operator's commands go to, and how replies are printed.
struct Place {
    config: Option<PathBuf>,
    socket: Option<PathBuf>,
    json: bool,
}

/// Nothing was said: somebody at a terminal gets a session, a script gets help and an error.
fn without_words(of: Place) -> ExitCode {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return operator(of, mailreeve_cli::session);
    }
    let _ = write!(io::stderr(), "{}", Arguments::command().render_help());
    ExitCode::from(2)
}

/// Carries out an operator's commands at the socket of the gateway.
fn operator(of: Place, act: impl FnOnce(&Invocation<'_>) -> io::Result<mailreeve_cli::Exit>) -> ExitCode {
    let socket = match of.socket {
        Some(path) => configuration::Socket { path, doubt: None },
        None => match configuration::socket(of.config.as_deref()) {
            Ok(socket) => socket,
            Err(error) => return complain(&error.to_string()),
        },
    };
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let invocation = Invocation {
        words: &[],
        json: of.json,
        socket: &socket.path,
        terminal,
        asks: terminal && io::stdout().is_terminal() && !of.json,
        doubt: socket.doubt.as_deref(),
        binary: &Arguments::command(),
    };
    match act(&invocation) {
        Ok(exit) => ExitCode::from(exit as u8),
        // The reader of our output is gone (a pager that was quit): no news.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

fn complain(text: &str) -> ExitCode {
    // Mistakes of a configuration come rendered, each with its own heading.
    let text = text.strip_prefix("error: ").unwrap_or(text).trim_end();
    let _ = writeln!(io::stderr(), "error: {text}");
    ExitCode::FAILURE
}
