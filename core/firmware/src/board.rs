//! What the programs need of a board: the entry, the host's files over semihosting, a count of instructions.

use core::ffi::CStr;

use embedded_io::{Error, ErrorKind, ErrorType, Read, Write};
use semihosting::fs::File;
use semihosting::io::{Read as _, Stdout, stdout};

use crate::answer::image_bytes_max;

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;
pub use semihosting::process::exit;

/// Bytes that are asked of the host, or given to it, at once: a call costs a stop of the processor.
const BUFFER_BYTES: usize = 512;

/// Largest image of a match table that this board has room for.
pub const IMAGE_BYTES_MAX: usize =
    image_bytes_max(cfg!(all(target_arch = "arm", not(target_abi = "eabihf"))));

/// What a program exits with after a panic.
const PANICKED: i32 = 101;

/// A call that the host did not serve.
#[derive(Debug)]
pub struct HostError;

impl core::fmt::Display for HostError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the host did not serve a call")
    }
}

impl core::error::Error for HostError {}

impl Error for HostError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

/// A file of the host, read through a buffer.
pub struct Input {
    file: File,
    buffer: [u8; BUFFER_BYTES],
    /// What was not taken yet of the buffer.
    left: core::ops::Range<usize>,
}

impl Input {
    /// Opens a file in the folder where QEMU was started.
    ///
    /// # Errors
    /// [`HostError`] when it cannot be read.
    pub fn open(path: &CStr) -> Result<Self, HostError> {
        let file = File::open(path).map_err(|_| HostError)?;
        Ok(Self { file, buffer: [0; BUFFER_BYTES], left: 0..0 })
    }
}

impl ErrorType for Input {
    type Error = HostError;
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, HostError> {
        if self.left.is_empty() {
            self.left = 0..self.file.read(&mut self.buffer).map_err(|_| HostError)?;
        }
        let buffered = self.buffer.get(self.left.clone()).unwrap_or_default();
        let length = buffered.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(buffered) {
            *to = *from;
        }
        self.left.start += length;
        Ok(length)
    }
}

/// A file of the host, or what it shows, written through a buffer. Flush it before the end.
pub struct Output<W> {
    file: W,
    buffer: heapless::Vec<u8, BUFFER_BYTES>,
}

impl Output<File> {
    /// Makes a file in the folder where QEMU was started.
    ///
    /// # Errors
    /// [`HostError`] when it cannot be made.
    pub fn create(path: &CStr) -> Result<Self, HostError> {
        let file = File::create(path).map_err(|_| HostError)?;
        Ok(Self { file, buffer: heapless::Vec::new() })
    }
}

impl Output<Stdout> {
    /// What QEMU prints.
    ///
    /// # Errors
    /// [`HostError`] when it prints nothing.
    pub fn stdout() -> Result<Self, HostError> {
        let file = stdout().map_err(|_| HostError)?;
        Ok(Self { file, buffer: heapless::Vec::new() })
    }
}

impl<W> ErrorType for Output<W> {
    type Error = HostError;
}

impl<W: semihosting::io::Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, HostError> {
        if self.buffer.is_full() {
            self.flush()?;
        }
        let room = BUFFER_BYTES - self.buffer.len();
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken).map_err(|_| HostError)?;
        Ok(taken.len())
    }

    fn flush(&mut self) -> Result<(), HostError> {
        self.file.write_all(&self.buffer).map_err(|_| HostError)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Without a text, which would be most of a small program.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(PANICKED)
}
