//! What goes wrong with packets and frames.

use core::error::Error;
use core::fmt;

use crate::event::EventError;
use crate::limits::EVENT_PAYLOAD_BYTES_MAX;
use crate::topic::TopicError;

/// Why an event could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The caller's buffer is too small for it.
    BufferTooSmall,
    /// The payload has more than [`EVENT_PAYLOAD_BYTES_MAX`] bytes.
    PayloadTooLong,
}

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are no bytes.
    Empty,
    /// The packet is of a layout that this version does not know.
    Version {
        /// The first byte.
        found: u8,
    },
    /// The bytes after the version are no event: too few, not UTF-8 where text is due, or too many attributes.
    Malformed,
    /// The topic is none.
    Topic(TopicError),
    /// An attribute breaks a limit or comes twice.
    Attribute(EventError),
    /// The payload has more than [`EVENT_PAYLOAD_BYTES_MAX`] bytes.
    PayloadTooLong,
    /// Bytes follow the event.
    TrailingBytes {
        /// Where they start.
        offset: usize,
    },
}

/// Why a frame was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// The zero byte came where COBS expects more.
    Cobs,
    /// Its content does not fit the receiver's buffer.
    TooLong,
    /// Its content is too short for a checksum.
    Short,
    /// The checksum is wrong.
    Checksum,
    /// The stream ended within it.
    Cut,
    /// The checksum is right, but the content is no packet.
    Packet(DecodeError),
}

/// Why [`write_frame`](super::write_frame) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFrameError<E> {
    /// The event could not be encoded; nothing was written.
    Encode(EncodeError),
    /// The writer failed.
    Io(E),
}

/// Why [`read_frame`](super::read_frame) failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrameError<E> {
    /// The frame is lost; the next one can be read.
    Frame(FrameError),
    /// The reader failed.
    Io(E),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall => f.write_str("the buffer is too small for the event"),
            Self::PayloadTooLong => write!(f, "a payload has at most {EVENT_PAYLOAD_BYTES_MAX} bytes"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the packet is empty"),
            Self::Version { found } => write!(f, "packets of version {found} are not known"),
            Self::Malformed => f.write_str("the packet does not hold an event"),
            Self::Topic(error) => write!(f, "the packet's topic is not valid: {error}"),
            Self::Attribute(error) => write!(f, "an attribute of the packet is not valid: {error}"),
            Self::PayloadTooLong => write!(f, "a payload has at most {EVENT_PAYLOAD_BYTES_MAX} bytes"),
            Self::TrailingBytes { offset } => {
                write!(f, "the event ends before byte {offset}, the packet does not")
            }
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cobs => f.write_str("the frame ends too early"),
            Self::TooLong => f.write_str("the frame is larger than the buffer"),
            Self::Short => f.write_str("the frame is too short for a checksum"),
            Self::Checksum => f.write_str("the frame's checksum is wrong"),
            Self::Cut => f.write_str("the stream ends within a frame"),
            Self::Packet(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display> fmt::Display for WriteFrameError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ReadFrameError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl Error for EncodeError {}
impl Error for DecodeError {}
impl Error for FrameError {}
impl<E: fmt::Debug + fmt::Display> Error for WriteFrameError<E> {}
impl<E: fmt::Debug + fmt::Display> Error for ReadFrameError<E> {}
