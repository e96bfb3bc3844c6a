//! A conversation of an operator with a host, octet for octet, until one of the two has enough or both fall silent.

use std::time::Duration;

use mailreeve_api::diagnose::TelnetPart;
use mailreeve_api::wire::Problem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::commands::Client;

/// Without a word of either side it ends after this.
const IDLE: Duration = Duration::from_mins(5);
/// It ends after this, whatever is said.
const LONGEST: Duration = Duration::from_mins(60);
/// How long the host may take to receive a line.
const SENDING: Duration = Duration::from_secs(30);
/// Octets told at a time.
const PIECE: usize = 4_096;

/// Carries octets both ways; returns how it ended, in words.
pub(super) async fn hold(mut stream: TcpStream, client: &Client) -> Result<String, Problem> {
    let mut buffer = [0; PIECE];
    let mut kept = 0;
    let longest = sleep(LONGEST);
    tokio::pin!(longest);
    loop {
        tokio::select! {
            read = stream.read(&mut buffer[kept..]) => match read {
                Ok(0) => {
                    tell(client, &buffer[..kept]).await?;
                    return Ok("Connection closed by foreign host.".to_owned());
                }
                Ok(count) => {
                    let length = kept + count;
                    // A line end is told in one piece.
                    kept = usize::from(buffer[length - 1] == b'\r' && length < PIECE);
                    tell(client, &buffer[..length - kept]).await?;
                    buffer[0] = b'\r';
                }
                Err(error) => return Ok(format!("The connection was lost: {error}")),
            },
            said = client.hear() => {
                let Some(said) = said else { return Ok("Connection closed.".to_owned()) };
                match timeout(SENDING, stream.write_all(&said)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => return Ok(format!("The connection was lost: {error}")),
                    Err(_) => return Ok("The host reads no more.".to_owned()),
                }
            },
            () = sleep(IDLE) => return Ok("Closed: nobody said a word for 5 minutes.".to_owned()),
            () = &mut longest => return Ok("Closed: no conversation lasts longer than an hour.".to_owned()),
        }
    }
}

async fn tell(client: &Client, octets: &[u8]) -> Result<(), Problem> {
    if octets.is_empty() {
        return Ok(());
    }
    client.tell(&TelnetPart::Heard { octets: octets.to_vec() }).await
}
