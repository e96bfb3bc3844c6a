//! What every request shares.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use mailreeve_api::desk::{Fact, Start};
use mailreeve_api::wire::{Problem, ProblemKind};
use parking_lot::Mutex;

use crate::channel::Channel;
use crate::live::Live;
use crate::password::Passwords;
use crate::shared::Shared;
use crate::throttle::Throttle;
use crate::users::{Lifetime, Session, Users};
use crate::{live, welcome};

/// How often it is told that the users cannot be kept.
const COMPLAINT: Duration = Duration::from_secs(600);

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    channel: Channel,
    hostname: String,
    users: Mutex<Users>,
    passwords: Passwords,
    throttle: Mutex<Throttle>,
    lifetime: Lifetime,
    secure: bool,
    live: Live,
    shared: Shared,
    told_in: PathBuf,
    /// When it was last told that the users cannot be kept.
    complained: Mutex<Option<Instant>>,
}

impl Desk {
    /// Opens the desk of a daemon; makes its first user when there is none.
    ///
    /// # Errors
    /// When the users cannot be read or made.
    pub(crate) fn open(channel: Channel, start: &Start) -> Result<Self> {
        let users = Users::open(&start.folder)?;
        if users.list()?.is_empty() {
            welcome::first_user(&users, &start.folder, now())?;
        }
        // Said at every start until the file is deleted.
        let told_in = welcome::file(&start.folder);
        if told_in.exists() {
            channel.tell(Fact::FirstUser { told_in: told_in.clone() });
        }
        let inner = Inner {
            live: live::start(channel.clone()),
            channel,
            hostname: start.hostname.clone(),
            users: Mutex::new(users),
            passwords: Passwords::new()?,
            throttle: Mutex::default(),
            lifetime: Lifetime {
                idle: Duration::from_secs(start.idle_s),
                whole: Duration::from_secs(start.session_s),
            },
            secure: start.identity.is_some(),
            shared: Shared::default(),
            told_in,
            complained: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The way to the daemon.
    pub(crate) fn channel(&self) -> &Channel {
        &self.inner.channel
    }

    /// The name of the gateway, for headings.
    pub fn hostname(&self) -> &str {
        &self.inner.hostname
    }

    /// What goes on, once a second while somebody listens.
    pub fn live(&self) -> &Live {
        &self.inner.live
    }

    /// Reads or changes the users, where waiting for the disk harms nobody.
    pub(crate) async fn users<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Users) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let inner = Arc::clone(&self.inner);
        let done = tokio::task::spawn_blocking(move || {
            let mut users = inner.users.lock();
            let done = work(&mut users);
            (done, users.take_trouble())
        });
        let (done, trouble) = match done.await {
            Ok(worked) => worked,
            Err(error) => (Err(error.into()), None),
        };
        if let Some(why) = done.as_ref().err().map(|error| format!("{error:#}")).or(trouble) {
            self.complain(why);
        }
        // For the operator is the alert; whoever asks needs not know our disk.
        done.map_err(|_| {
            let hint = "`mailreeve displayalerts` on the gateway's machine tells why; mail is not concerned";
            Problem::new("the desk cannot read or change its users", hint).of(ProblemKind::Unavailable)
        })
    }

    /// Raises the alert that users and sessions cannot be kept, now and then while it stays so.
    fn complain(&self, why: String) {
        let mut complained = self.inner.complained.lock();
        if complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
            *complained = Some(Instant::now());
            self.channel().tell(Fact::Storage { why });
        }
    }

    /// The file with the first secrets, as long as it is there.
    pub(crate) fn first_secrets(&self) -> bool {
        self.inner.told_in.exists()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.inner.shared
    }

    /// Finds a session by its secret.
    pub(crate) async fn session(&self, secret: String, used: bool) -> Result<Option<Session>, Problem> {
        let (lifetime, now) = (self.lifetime(), self.now());
        self.users(move |users| users.session(&secret, lifetime, used, now)).await
    }

    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    pub(crate) fn throttle(&self) -> &Mutex<Throttle> {
        &self.inner.throttle
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        self.inner.lifetime
    }

    /// Whether we speak TLS ourselves.
    pub(crate) fn secure(&self) -> bool {
        self.inner.secure
    }

    /// Seconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        now()
    }
}

/// Seconds since the epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
