//! STARTTLS as senders use and abuse it.
//!
//! Not run: S4 and S5, which need AUTH on the receiving side.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailreeve_lab::dialogue::{Dialogue, Stage, play};
use mailreeve_lab::sink::Sink;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};
use world::places::{all_to, sink};
use world::{Gateway, PATIENCE, Talk, wait_until};

struct Setting {
    gateway: Gateway,
    sink: Sink,
}

impl Setting {
    fn start() -> Self {
        let sink = sink();
        let gateway = Gateway::start(&all_to(sink.address()));
        Self { gateway, sink }
    }

    fn play(&self, text: &str) {
        let stage = Stage { patience: PATIENCE, ..Stage::new(self.gateway.smtp) };
        if let Err(failure) = play(&Dialogue::parse(text).unwrap(), &stage) {
            unreachable!("{failure}");
        }
    }

    /// Nothing was queued, and the next message goes through, encrypted.
    fn is_well(&self) {
        assert_eq!(self.gateway.json("status")["lifetime"]["inj_msgs"], 0);
        self.play(
            "S: 220\nC: EHLO a\nS: 250\n~ 250[- ]STARTTLS\nC: STARTTLS\nS: 220\n! starttls\nC: EHLO a\nS: 250\n\
             C: MAIL FROM:<a@sender.test>\nS: 250\nC: RCPT TO:<b@example.com>\nS: 250\nC: DATA\nS: 354\n\
             C: Subject: well\nC:\nC: .\nS: 250\nC: QUIT\nS: 221\n! closed\n",
        );
        assert!(self.sink.wait_for(1, PATIENCE));
        let content = String::from_utf8(self.sink.deliveries()[0].content.clone().unwrap()).unwrap();
        assert!(content.contains("with ESMTPS"), "{content}");
        wait_until("all connections are closed", || {
            self.gateway.json("status")["gauges"]["conn_in"].as_u64() == Some(0)
        });
        assert!(self.gateway.log().contains("TLS success protocol TLSv1.3"), "{}", self.gateway.log());
    }

    /// A clear-text connection that was told to begin TLS.
    fn ready_for_tls(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.gateway.smtp).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 4096];
        for said in ["", "EHLO a\r\n", "STARTTLS\r\n"] {
            stream.write_all(said.as_bytes()).unwrap();
            let count = stream.read(&mut buffer).unwrap();
            assert!(buffer[..count].starts_with(b"2"), "{said}");
        }
        stream
    }

    fn encrypted(&self, protocols: &[&str]) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut stream = StreamOwned::new(client(protocols), self.ready_for_tls());
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// S1: what came in clear text behind STARTTLS is never obeyed inside TLS.
#[test]
fn nothing_said_in_clear_is_answered_inside() {
    let setting = Setting::start();
    let mut stream = TcpStream::connect(setting.gateway.smtp).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"EHLO a\r\nSTARTTLS\r\nRSET\r\n").unwrap();
    let mut heard = String::new();
    let mut buffer = [0; 4096];
    while !heard.contains("\r\n220 2.") && !heard.contains("\r\n220 R") {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if heard.matches("220 ").count() == 2 {
            break;
        }
    }
    let mut stream = StreamOwned::new(client(&[]), stream);
    let handshake = loop {
        match stream.conn.complete_io(&mut stream.sock) {
            Ok(_) if stream.conn.is_handshaking() => {}
            Ok(_) => break true,
            Err(_) => break false,
        }
    };
    if handshake && stream.write_all(b"NOOP\r\n").is_ok() {
        let mut answers = String::new();
        let _ = stream.sock.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = stream.read_to_string(&mut answers);
        assert!(answers.lines().count() <= 1, "RSET was answered inside: {answers}");
    }
    drop(stream);
    setting.is_well();
}

/// S2.
#[test]
fn a_transaction_pushed_in_behind_starttls_is_none() {
    let setting = Setting::start();
    let mut stream = TcpStream::connect(setting.gateway.smtp).unwrap();
    stream
        .write_all(
            b"EHLO a\r\nSTARTTLS\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<victim@gw.test>\r\nDATA\r\n\
              Subject: injected\r\n\r\ninjected\r\n.\r\n",
        )
        .unwrap();
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answers = String::new();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.read_to_string(&mut answers);
    assert!(!answers.contains("354"), "{answers}");
    setting.is_well();
}

/// S3, S6, S7.
#[test]
fn the_order_of_commands_is_kept() {
    let setting = Setting::start();
    setting.play(
        "S: 220\nC: EHLO a\nS: 250\nC: STARTTLS now\nS: 501 5.5.4\nC: MAIL FROM:<a@sender.test>\nS: 250\n\
         C: STARTTLS\nS: 220\n! starttls\nC: RCPT TO:<b@example.com>\nS: 503 5.5.1\n\
         C: MAIL FROM:<a@sender.test>\nS: 503 5.5.1\nC: EHLO a\nS: 250\nC: STARTTLS\nS: 503 5.5.1\nC: QUIT\nS: 221\n",
    );
    setting.is_well();
}

/// S8. It takes the minute that a handshake may take.
#[test]
#[ignore = "takes a minute"]
fn a_handshake_that_dribbles_is_cut_off() {
    let setting = Setting::start();
    let mut stream = setting.ready_for_tls();
    let started = Instant::now();
    let hello = hello_of(0x0303);
    let mut octets = hello.iter();
    while stream.write_all(&[*octets.next().unwrap()]).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(90), "still taken after 90 s");
        std::thread::sleep(Duration::from_secs(5));
    }
    setting.is_well();
}

/// S9: TLS ends in the middle of a chunk and clear text follows.
#[test]
fn an_end_of_tls_in_a_chunk_ends_the_message() {
    let setting = Setting::start();
    let mut stream = setting.encrypted(&[]).unwrap();
    let mut buffer = [0; 4096];
    for said in ["EHLO a\r\n", "MAIL FROM:<a@sender.test>\r\n", "RCPT TO:<b@example.com>\r\n"] {
        stream.write_all(said.as_bytes()).unwrap();
        let count = stream.read(&mut buffer).unwrap();
        assert!(buffer[..count].starts_with(b"250"), "{said}");
    }
    stream.write_all(b"BDAT 5000 LAST\r\nSubject: half\r\n\r\nhalf").unwrap();
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    let _ = stream.conn.complete_io(&mut stream.sock);
    stream.sock.write_all(b"x").unwrap();
    let mut rest = Vec::new();
    let ended = stream.sock.read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    setting.is_well();
}

/// S10: hellos that offer nothing newer than the given version, or nothing that encrypts.
#[test]
fn old_versions_and_empty_ciphers_are_refused() {
    const ALERT: u8 = 0x15;
    let setting = Setting::start();
    for version in [0x0300, 0x0301, 0x0302, 0x0303] {
        let mut stream = setting.ready_for_tls();
        stream.write_all(&hello_of(version)).unwrap();
        let mut answer = [0; 7];
        let read = stream.read(&mut answer).unwrap_or(0);
        assert!(read == 0 || answer[0] == ALERT, "{version:#x}: {answer:x?}");
    }
    setting.is_well();
}

/// S11.
#[test]
fn clients_of_another_protocol_are_turned_away() {
    let setting = Setting::start();
    let refused = setting.encrypted(&["h2", "http/1.1"]).unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("applicationprotocol"), "{refused}");
    let mut stream = setting.encrypted(&[]).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\nEHLO a\r\n").unwrap();
    let mut answers = String::new();
    let _ = stream.read_to_string(&mut answers);
    assert!(!answers.contains("250"), "{answers}");
    let mut talk = Talk::with(setting.gateway.smtp);
    let reply = talk.say("POST / HTTP/1.1");
    assert!(reply.starts_with('5'), "{reply}");
    assert_eq!(talk.reply(), "", "still open");
    setting.is_well();
}

/// A hello of this version that offers suites without encryption or authentication, and no newer version.
fn hello_of(version: u16) -> Vec<u8> {
    // NULL, export, anonymous; and for 1.0 and 1.1 one that used to be good.
    const SUITES: [u16; 6] = [0x0001, 0x0002, 0x0003, 0x0018, 0x0034, 0x002f];
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend((SUITES.len() as u16 * 2).to_be_bytes());
    SUITES.iter().for_each(|suite| body.extend(suite.to_be_bytes()));
    body.extend([1, 0]);
    let mut handshake = vec![1, 0];
    handshake.extend((body.len() as u16).to_be_bytes());
    handshake.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend((handshake.len() as u16).to_be_bytes());
    record.extend(handshake);
    record
}

fn client(protocols: &[&str]) -> ClientConnection {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believer))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    ClientConnection::new(Arc::new(config), ServerName::try_from("gw.test").unwrap()).unwrap()
}

/// Believes every certificate: these tests are about the conversation.
#[derive(Debug)]
struct Believer;

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
