//! Domains as operators meet them: what a name holds, and who answers behind it.

use std::io;

use super::{Absent, World};
use crate::dns::{Behaviour, Zone};
use crate::host::{Detail, Host, Temper};

/// What is wrong, or right, with a domain that mail is sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plight {
    /// One exchanger of this temper.
    Host(Temper),
    /// One exchanger, at whose address nobody answers.
    Absent(Absent),
    /// Two exchangers: at the first nobody answers, the second is of this temper.
    Backup(Absent, Temper),
    /// It says that it takes no mail (RFC 7505).
    NullMx,
    /// Its exchanger has a name and no address.
    NoAddress,
    /// The name server fails like this for every name in it.
    Lookup(Behaviour),
    /// It does not exist.
    Missing,
}

/// What was set up for a domain.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// Its running host, where there is one.
    pub host: Option<Host>,
    /// The names of its exchangers, best first.
    pub exchangers: Vec<String>,
}

impl World {
    /// Sets `domain` up in this plight, in place of what it was before in the name service.
    ///
    /// # Errors
    /// When a host cannot be started or the name is none.
    pub fn establish(&self, domain: &str, plight: &Plight, detail: Detail) -> io::Result<Settled> {
        self.dns.calm(domain);
        self.dns.calm(&format!("*.{domain}"));
        let mut zone = Zone::new(domain).ttl(10);
        let mut settled = Settled::default();
        match plight {
            Plight::Host(temper) => {
                let host = self.host(domain, temper.clone(), detail)?;
                zone = zone.mx(10, host.name()).address(host.name(), host.address().ip());
                settled.exchangers.push(host.name().to_owned());
                settled.host = Some(host);
            }
            Plight::Absent(absent) => {
                let name = self.exchanger_name(domain);
                zone = zone.mx(10, &name).address(&name, self.absent(*absent)?.ip());
                settled.exchangers.push(name);
            }
            Plight::Backup(absent, temper) => {
                let first = self.exchanger_name(domain);
                let host = self.host(domain, temper.clone(), detail)?;
                zone = zone.mx(10, &first).address(&first, self.absent(*absent)?.ip());
                zone = zone.mx(20, host.name()).address(host.name(), host.address().ip());
                settled.exchangers.extend([first, host.name().to_owned()]);
                settled.host = Some(host);
            }
            Plight::NullMx => zone = zone.null_mx(),
            Plight::NoAddress => {
                let name = self.exchanger_name(domain);
                zone = zone.mx(10, &name);
                settled.exchangers.push(name);
            }
            Plight::Lookup(behaviour) => {
                self.dns.behave(domain, *behaviour).map_err(io::Error::other)?;
                self.dns.behave(&format!("*.{domain}"), *behaviour).map_err(io::Error::other)?;
            }
            Plight::Missing => {
                self.dns.remove(domain);
                return Ok(settled);
            }
        }
        self.dns.put(&zone).map_err(io::Error::other)?;
        Ok(settled)
    }

    pub(super) fn exchanger_name(&self, domain: &str) -> String {
        format!("{}.{domain}", self.inner.lock().dice.label())
    }
}
