//! A TCP socket of smoltcp as a reader and writer of frames.

use core::error::Error;
use core::fmt;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use smoltcp::socket::tcp::Socket;

/// A connected socket, borrowed between two polls of its interface.
///
/// Only the interface moves bytes, so nothing here waits: a write takes all of the bytes or none, and fails with
/// [`TcpError::NotReady`] when they do not fit the socket's send buffer. A frame that
/// [`write_frame`](crate::wire::write_frame) writes is therefore never torn. Poll the interface and try again.
pub struct TcpStream<'s, 'b> {
    socket: &'s mut Socket<'b>,
}

impl<'s, 'b> TcpStream<'s, 'b> {
    /// Lends the socket.
    pub const fn new(socket: &'s mut Socket<'b>) -> Self {
        Self { socket }
    }

    /// How many bytes the next write can take.
    pub fn room(&self) -> usize {
        self.socket.send_capacity() - self.socket.send_queue()
    }
}

impl ErrorType for TcpStream<'_, '_> {
    type Error = TcpError;
}

impl Write for TcpStream<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, TcpError> {
        if !self.socket.may_send() {
            return Err(TcpError::Closed);
        }
        if self.room() < bytes.len() {
            return Err(TcpError::NotReady);
        }
        self.socket.send_slice(bytes).map_err(|_| TcpError::Closed)
    }

    /// Does nothing: the interface sends when it is polled.
    fn flush(&mut self) -> Result<(), TcpError> {
        Ok(())
    }
}

impl WriteReady for TcpStream<'_, '_> {
    fn write_ready(&mut self) -> Result<bool, TcpError> {
        if self.socket.may_send() { Ok(self.room() > 0) } else { Err(TcpError::Closed) }
    }
}

impl Read for TcpStream<'_, '_> {
    /// Reads what has arrived; 0 bytes once the peer has closed and all was read.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, TcpError> {
        if buffer.is_empty() || !self.socket.may_recv() {
            return Ok(0);
        }
        match self.socket.recv_slice(buffer) {
            Ok(0) => Err(TcpError::NotReady),
            Ok(read) => Ok(read),
            Err(_) => Ok(0),
        }
    }
}

impl ReadReady for TcpStream<'_, '_> {
    fn read_ready(&mut self) -> Result<bool, TcpError> {
        Ok(self.socket.can_recv() || !self.socket.may_recv())
    }
}

/// Why bytes did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TcpError {
    /// Nothing has arrived, or there is no room for all of the bytes: poll the interface first.
    NotReady,
    /// The connection cannot send any more.
    Closed,
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotReady => "the socket is not ready, poll its interface",
            Self::Closed => "the connection is closed",
        })
    }
}

impl Error for TcpError {}

impl embedded_io::Error for TcpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotReady => ErrorKind::Interrupted,
            Self::Closed => ErrorKind::NotConnected,
        }
    }
}
