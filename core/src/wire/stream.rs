//! Frames over `embedded_io` readers and writers.

use embedded_io::{Read, Write};

use crate::event::Event;

use super::error::{FrameError, ReadFrameError, WriteFrameError};
use super::frame::{FrameDecoder, checked, encode_frame};

/// Writes an event as one frame, in one call of `write_all`, without flushing.
///
/// # Errors
/// [`WriteFrameError::Encode`] when `scratch` is too small (see [`scratch_bytes_max`](super::scratch_bytes_max)) or the
/// payload too large, before anything is written; [`WriteFrameError::Io`] when the writer fails.
pub fn write_frame<W: Write + ?Sized>(
    event: &Event<'_>,
    scratch: &mut [u8],
    writer: &mut W,
) -> Result<(), WriteFrameError<W::Error>> {
    let frame = encode_frame(event, scratch).map_err(WriteFrameError::Encode)?;
    writer.write_all(frame).map_err(WriteFrameError::Io)
}

/// Reads the next frame; `None` when the stream ends between frames.
///
/// It takes the bytes of that frame and none after it, one at a time: give it a reader that has a buffer, or feed a
/// [`FrameDecoder`] with portions of your own. After an error of the frame the next call reads the next frame.
///
/// # Errors
/// [`ReadFrameError::Frame`] when the frame is damaged, cut off by the end of the stream or larger than `buffer`;
/// [`ReadFrameError::Io`] when the reader fails.
pub fn read_frame<'b, R: Read + ?Sized>(
    reader: &mut R,
    buffer: &'b mut [u8],
) -> Result<Option<Event<'b>>, ReadFrameError<R::Error>> {
    match content_length(reader, &mut FrameDecoder::new(buffer))? {
        None => Ok(None),
        Some(length) => {
            checked(buffer.get(..length).unwrap_or_default()).map(Some).map_err(ReadFrameError::Frame)
        }
    }
}

/// Reads to the end of a frame and gives the length of its content.
fn content_length<R: Read + ?Sized>(
    reader: &mut R,
    decoder: &mut FrameDecoder<'_>,
) -> Result<Option<usize>, ReadFrameError<R::Error>> {
    let mut byte = [0];
    while reader.read(&mut byte).map_err(ReadFrameError::Io)? > 0 {
        if let Some(end) = decoder.step(byte[0]) {
            return end.map(Some).map_err(ReadFrameError::Frame);
        }
    }
    if decoder.is_inside_frame() { Err(ReadFrameError::Frame(FrameError::Cut)) } else { Ok(None) }
}
