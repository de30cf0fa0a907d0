//! Frames in memory: a packet with its checksum, COBS-encoded, ended by a zero byte.

use cobs::CobsDecoder;
use crc::{CRC_32_ISCSI, Crc, NoTable};

use crate::event::Event;
use crate::limits::{EVENT_OVERHEAD_BYTES_MAX, FRAME_CHECKSUM_BYTES, FRAME_OVERHEAD};

use super::error::{EncodeError, FrameError};
use super::packet::{decode, encode};

/// CRC-32C as in RFC 3720. Without its table it is slower and a kilobyte smaller.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISCSI);

/// The byte that ends every frame and stands nowhere else in it.
const TERMINATOR: u8 = 0;

/// Most bytes of the frame of an encoded event of `encoded` bytes.
pub const fn frame_bytes_max(encoded: usize) -> usize {
    let content = encoded.saturating_add(FRAME_CHECKSUM_BYTES);
    encoded.saturating_add(FRAME_OVERHEAD).saturating_add(content / 254)
}

/// A scratch buffer of this size is large enough to frame any event with a payload of `payload` bytes.
pub const fn scratch_bytes_max(payload: usize) -> usize {
    let encoded = payload.saturating_add(EVENT_OVERHEAD_BYTES_MAX);
    encoded.saturating_add(FRAME_CHECKSUM_BYTES).saturating_add(frame_bytes_max(encoded))
}

/// Writes an event as a frame and gives the frame, which lies somewhere in `scratch`.
///
/// The event is encoded at the start of `scratch` and framed behind it, so it takes room for both.
///
/// # Errors
/// [`EncodeError`] as [`encode`]; see [`scratch_bytes_max`].
pub fn encode_frame<'b>(event: &Event<'_>, scratch: &'b mut [u8]) -> Result<&'b [u8], EncodeError> {
    let encoded = encode(event, scratch)?.len();
    let (packet, rest) = scratch.split_at_mut_checked(encoded).ok_or(EncodeError::BufferTooSmall)?;
    let checksum = CRC.checksum(packet).to_le_bytes();
    let (tail, _) = rest.split_first_chunk_mut().ok_or(EncodeError::BufferTooSmall)?;
    *tail = checksum;
    let content = encoded.saturating_add(FRAME_CHECKSUM_BYTES);
    let (content, frame) = scratch.split_at_mut_checked(content).ok_or(EncodeError::BufferTooSmall)?;
    let length = cobs::try_encode(content, frame).map_err(|_| EncodeError::BufferTooSmall)?;
    *frame.get_mut(length).ok_or(EncodeError::BufferTooSmall)? = TERMINATOR;
    frame.get(..=length).ok_or(EncodeError::BufferTooSmall)
}

/// The event of a frame's content, when the checksum at its end is right.
pub(super) fn checked(content: &[u8]) -> Result<Event<'_>, FrameError> {
    let (packet, checksum) = content.split_last_chunk::<FRAME_CHECKSUM_BYTES>().ok_or(FrameError::Short)?;
    if CRC.checksum(packet) == u32::from_le_bytes(*checksum) {
        decode(packet).map_err(FrameError::Packet)
    } else {
        Err(FrameError::Checksum)
    }
}

/// Finds frames in a stream of bytes that come in any portions.
///
/// Content is collected in the caller's buffer, which bounds the frames that can be received: it must hold an encoded
/// event and its checksum. Whatever is wrong with a frame, the next one is found after the next zero byte.
///
/// ```
/// use bellwire_core::event::Event;
/// use bellwire_core::topic::Topic;
/// use bellwire_core::wire::{FrameDecoder, encode_frame};
///
/// let event = Event::new(7, Topic::parse("Entry.publish").unwrap(), 1_603_379_941_037, b"{}");
/// let (mut scratch, mut buffer) = ([0; 128], [0; 64]);
/// let frame = encode_frame(&event, &mut scratch).unwrap();
///
/// let mut decoder = FrameDecoder::new(&mut buffer);
/// let (taken, received) = decoder.push(frame);
/// assert_eq!((taken, received), (frame.len(), Some(Ok(event))));
/// ```
#[derive(Debug)]
pub struct FrameDecoder<'b> {
    cobs: CobsDecoder<'b>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first byte of a frame.
    Between,
    /// Within a frame that is in order so far.
    Inside,
    /// Within a frame that did not fit the buffer: the COBS decoder would go on and lose bytes.
    Overflow,
}

impl<'b> FrameDecoder<'b> {
    /// A decoder that collects a frame's content in `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { cobs: CobsDecoder::new(buffer), state: State::Between }
    }

    /// Takes bytes until a frame ends, and gives how many it took and what the frame was.
    ///
    /// Without the end of a frame it takes all bytes and gives `None`. Call it again with the bytes that are left.
    pub fn push(&mut self, bytes: &[u8]) -> (usize, Option<Result<Event<'_>, FrameError>>) {
        for (taken, byte) in (1..).zip(bytes) {
            if let Some(end) = self.step(*byte) {
                return (taken, Some(end.and_then(|length| self.event(length))));
            }
        }
        (bytes.len(), None)
    }

    /// Whether bytes of an unfinished frame were taken.
    pub fn is_inside_frame(&self) -> bool {
        self.state != State::Between
    }

    fn event(&self, length: usize) -> Result<Event<'_>, FrameError> {
        checked(self.cobs.dest().get(..length).unwrap_or_default())
    }

    /// Takes one byte; at the end of a frame it gives the length of its content.
    pub(super) fn step(&mut self, byte: u8) -> Option<Result<usize, FrameError>> {
        let before = self.state;
        let fed = self.cobs.feed(byte);
        self.state = match (byte, &fed) {
            (TERMINATOR, _) => State::Between,
            (_, Err(cobs::DecodeError::TargetBufTooSmall)) => State::Overflow,
            _ if before == State::Overflow => State::Overflow,
            _ => State::Inside,
        };
        match (byte, before) {
            // Zero bytes between frames are allowed, to wake a line up.
            (TERMINATOR, State::Between) => None,
            (TERMINATOR, State::Overflow) => Some(Err(FrameError::TooLong)),
            (TERMINATOR, State::Inside) => Some(fed.ok().flatten().ok_or(FrameError::Cobs)),
            _ => None,
        }
    }
}
