//! What the kernel knows of a TCP connection, asked once when it ends.
//!
//! The only place with `unsafe`: no crate that is linked offers this call with an answer whose length may differ, as
//! it does between kernels.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd as _};

use mailreeve_core::tcp::{ClosedFirst, TcpEnd};
use nix::libc;

/// Octets asked for: all up to the segments sent (since Linux 4.2), and room for what later kernels add.
const OCTETS: usize = 256;

/// Reads the end of a connection. `ended` is what was seen of it; the state of the socket says the rest.
pub(crate) fn end(socket: impl AsFd, ended: Option<ClosedFirst>) -> Option<TcpEnd> {
    let mut answer = [0u8; OCTETS];
    let mut length = OCTETS as libc::socklen_t;
    let fd = socket.as_fd();
    // SAFETY: `fd` is open as long as the borrow `socket.as_fd()` lives, which is behind this call. The kernel writes
    // at most `length` octets to `answer`, which has so many, all of them initialised before; `u8` takes any value.
    // It writes how many it were to `length`, of the type that it expects. Neither pointer is kept.
    let asked = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            answer.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    let answer = answer.get(..usize::try_from(length).ok()?)?;
    if asked == 0 { read(answer, ended) } else { None }
}

/// What an error of reading or writing says about the end of a connection.
pub(crate) fn ended_by(error: io::ErrorKind) -> Option<ClosedFirst> {
    match error {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Some(ClosedFirst::Reset),
        io::ErrorKind::TimedOut => Some(ClosedFirst::Timeout),
        io::ErrorKind::UnexpectedEof => Some(ClosedFirst::They),
        _ => None,
    }
}

/// States of a socket, by their numbers in `TCP_INFO`.
const CLOSED: u8 = 7;
const CLOSE_WAIT: u8 = 8;
const LAST_ACK: u8 = 9;

/// Reads `struct tcp_info` of linux/tcp.h; what an old kernel leaves out is 0.
fn read(info: &[u8], ended: Option<ClosedFirst>) -> Option<TcpEnd> {
    let number = |at: usize| {
        let octets = info.get(at..).and_then(|rest| rest.first_chunk());
        octets.map_or(0, |octets| u32::from_ne_bytes(*octets))
    };
    let closed_first = match (*info.first()?, ended) {
        (_, Some(ClosedFirst::Timeout)) => ClosedFirst::Timeout,
        // Of a reset only the first call after it is told; the next reads an ordinary end.
        (CLOSED, _) => ClosedFirst::Reset,
        (_, Some(seen)) => seen,
        (CLOSE_WAIT | LAST_ACK, None) => ClosedFirst::They,
        (_, None) => ClosedFirst::We,
    };
    Some(TcpEnd {
        rtt_us: number(68),
        rtt_var_us: number(72),
        segments: number(136),
        sent_again: number(100),
        retries: u32::from(*info.get(2)?),
        unacked: number(24),
        closed_first,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (ours, listener.accept().unwrap().0)
    }

    /// Reads until the other end has gone; returns the error, if it was one.
    fn drain(mut stream: &TcpStream) -> Option<io::ErrorKind> {
        let mut octets = [0; 64];
        loop {
            match stream.read(&mut octets) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(error.kind()),
            }
        }
    }

    #[test]
    fn who_closes_first_is_known_in_either_order_and_after_a_reset() {
        let (mut ours, theirs) = pair();
        ours.write_all(b"EHLO us\r\n").unwrap();
        let open = end(&ours, None).unwrap();
        assert_eq!((open.closed_first, open.sent_again), (ClosedFirst::We, 0));
        assert!(open.rtt_us > 0 && open.segments >= 2, "{open:?}");
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(drain(&ours), None);
        assert_eq!(end(&ours, None).unwrap().closed_first, ClosedFirst::They);

        let (ours, theirs) = pair();
        // Closed with something unread: the kernel resets the connection.
        (&ours).write_all(b"never read").unwrap();
        (&theirs).read_exact(&mut [0]).unwrap();
        drop(theirs);
        let error = drain(&ours);
        assert_eq!(error, Some(io::ErrorKind::ConnectionReset));
        assert_eq!(end(&ours, None).unwrap().closed_first, ClosedFirst::Reset);
        assert_eq!(end(&ours, error.and_then(ended_by)).unwrap().closed_first, ClosedFirst::Reset);
        let given_up = end(&ours, ended_by(io::ErrorKind::TimedOut)).unwrap();
        assert_eq!(given_up.closed_first, ClosedFirst::Timeout);
    }

    #[test]
    fn fields_stand_where_the_kernel_puts_them_and_a_short_answer_is_no_error() {
        let mut info = vec![0; 140];
        (info[0], info[2]) = (1, 4);
        for (at, number) in [(24, 7u32), (68, 480_000), (72, 9_000), (100, 3), (136, 5)] {
            info[at..at + 4].copy_from_slice(&number.to_ne_bytes());
        }
        let whole = TcpEnd {
            rtt_us: 480_000,
            rtt_var_us: 9_000,
            segments: 5,
            sent_again: 3,
            retries: 4,
            unacked: 7,
            closed_first: ClosedFirst::We,
        };
        assert_eq!(read(&info, None), Some(whole));
        assert_eq!(read(&info[..104], None), Some(TcpEnd { segments: 0, ..whole }));
        assert_eq!(read(&[], None), None);
        let unix = std::os::unix::net::UnixStream::pair().unwrap().0;
        assert_eq!(end(&unix, None), None, "a socket that is none of TCP has no such end");
    }
}
