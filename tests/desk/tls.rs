//! The desk under TLS of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::http::{Reply, Request, get, post};
use crate::world::{Gateway, PATIENCE, address, wait_until};
use crate::{Setting, section};

/// A client that trusts one certificate.
struct Client {
    config: Arc<ClientConfig>,
    desk: SocketAddr,
}

impl Client {
    fn try_send(&self, request: &Request) -> Option<Reply> {
        let name = ServerName::try_from("gw.test").unwrap();
        let tls = ClientConnection::new(Arc::clone(&self.config), name).unwrap();
        let stream = TcpStream::connect_timeout(&self.desk, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut stream = StreamOwned::new(tls, stream);
        stream.write_all(&request.octets(self.desk)).ok()?;
        let mut answer = Vec::new();
        // A server may close without saying so.
        let _ = stream.read_to_end(&mut answer);
        Reply::parse(&String::from_utf8_lossy(&answer))
    }
}

#[test]
fn under_tls_the_cookie_stays_under_tls() {
    let desk = SocketAddr::new(address(), 8024);
    let gateway = Gateway::prepare("");
    let made = rcgen::generate_simple_self_signed(vec!["gw.test".to_owned()]).unwrap();
    let [certificate, key] = ["desk.pem", "desk.key"].map(|name| gateway.folder.path().join(name));
    fs::write(&certificate, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let more = format!("certificate = \"{}\"\nkey = \"{}\"", certificate.display(), key.display());
    gateway.configure(&section(desk, &more));
    let mut setting = Setting { gateway, desk };
    setting.gateway.run();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client { config: Arc::new(config), desk };
    wait_until("the desk answers", || {
        client.try_send(&get("/login")).is_some_and(|reply| reply.status == 200)
    });
    let (password, _) = setting.first();
    let form = post("/login").with("Origin", &format!("https://{desk}"));
    let reply = client.try_send(&form.form(&[("name", "admin"), ("password", &password)])).unwrap();
    assert_eq!(reply.status, 303, "{reply:?}");
    let set = reply.fields("set-cookie")[0];
    assert!(set.starts_with("__Host-mailreeve=") && set.ends_with("; Secure"), "{set}");
    assert_eq!(reply.fields("strict-transport-security").len(), 1);
    let look = get("/api/v1/status").with("Cookie", &reply.cookie().unwrap());
    assert_eq!(client.try_send(&look).unwrap().status, 200);
    // In clear there is nothing.
    assert!(get("/login").try_send(desk).is_none_or(|reply| reply.status >= 400));
}
