//! Files as the host hands them over: runs of bytes, each after its length.

use embedded_io::{Error, ErrorKind, Read, ReadExactError};

/// Reads sections, one after the other: a length of four bytes, the lowest first, then so many bytes.
#[derive(Debug)]
pub struct Sections<R> {
    reader: R,
    /// What was not read yet of a section that is read in pieces.
    left: usize,
}

impl<R: Read> Sections<R> {
    /// The sections of a file.
    pub const fn new(reader: R) -> Self {
        Self { reader, left: 0 }
    }

    /// The next section, copied to the start of `room`; `None` at the end of the file.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`] when it does not fit, and whatever the reader says.
    pub fn read_whole<'b>(&mut self, room: &'b mut [u8]) -> Result<Option<&'b [u8]>, ErrorKind> {
        let Some(length) = self.length()? else { return Ok(None) };
        let section = room.get_mut(..length).ok_or(ErrorKind::OutOfMemory)?;
        self.reader.read_exact(section).map_err(|error| kind(&error))?;
        Ok(Some(section))
    }

    /// Lets the next section be read in pieces: until its end this is a reader of it.
    ///
    /// # Errors
    /// What the reader says; the end of the file is one.
    pub fn open(&mut self) -> Result<&mut Self, ErrorKind> {
        self.left = self.length()?.ok_or(ErrorKind::InvalidData)?;
        Ok(self)
    }

    fn length(&mut self) -> Result<Option<usize>, ErrorKind> {
        let mut length = [0; 4];
        match self.reader.read_exact(&mut length) {
            Ok(()) => Ok(Some(u32::from_le_bytes(length) as usize)),
            Err(ReadExactError::UnexpectedEof) => Ok(None),
            Err(error) => Err(kind(&error)),
        }
    }
}

fn kind<E: Error>(error: &ReadExactError<E>) -> ErrorKind {
    match error {
        ReadExactError::UnexpectedEof => ErrorKind::InvalidData,
        ReadExactError::Other(error) => error.kind(),
    }
}

impl<R: Read> embedded_io::ErrorType for Sections<R> {
    type Error = R::Error;
}

impl<R: Read> Read for Sections<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, R::Error> {
        let most = buffer.len().min(self.left);
        let read = self.reader.read(buffer.get_mut(..most).unwrap_or_default())?;
        self.left = self.left.saturating_sub(read);
        Ok(read)
    }
}
