//! Mail hosts that say what a test has them say.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::{ServerConnection, StreamOwned};

use super::address;
use super::tls::tls_server;

/// What a mail host says: to a line that begins so, that; to any other 250, or 354 to DATA.
pub type Replies = &'static [(&'static str, &'static str)];

/// Speaks as a mail host until the other end has gone.
fn converse(stream: impl Read + Write, greeting: &str, replies: Replies) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    say(&mut reader, greeting)?;
    let (mut line, mut content) = (String::new(), false);
    while reader.read_line(&mut line)? > 0 {
        let said = line.trim_end().to_owned();
        line.clear();
        if content && said != "." {
            continue;
        }
        content = said == "DATA";
        let reply = replies.iter().find(|(begins, _)| said.starts_with(begins));
        say(&mut reader, reply.map_or(if content { "354 go" } else { "250 ok" }, |(_, reply)| reply))?;
    }
    Ok(())
}

/// Writes one line.
pub fn say(reader: &mut BufReader<impl Read + Write>, line: &str) -> std::io::Result<()> {
    write!(reader.get_mut(), "{line}\r\n")?;
    reader.get_mut().flush()
}

/// A mail host in clear.
pub fn host(greeting: &'static str, replies: Replies) -> SocketAddr {
    let listener = TcpListener::bind(SocketAddr::new(address(), 2525)).unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = converse(stream, greeting, replies);
        }
    });
    at
}

/// A mail host under TLS from the first octet.
pub fn host_under_tls(greeting: &'static str, replies: Replies) -> SocketAddr {
    let config = tls_server("host.test");
    let listener = TcpListener::bind(SocketAddr::new(address(), 2465)).unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = converse(StreamOwned::new(connection, stream), greeting, replies);
        }
    });
    at
}
