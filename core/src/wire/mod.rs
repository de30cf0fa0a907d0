//! Events as bytes: one packet in a slice, and packets framed for a stream.
//!
//! A packet is a version byte and the event in postcard; a frame is a packet with a CRC-32C, COBS-encoded and ended by
//! a zero byte, so that a receiver finds the next frame after any garbage. `docs/wire-format.md` of this crate gives
//! the bytes.

mod error;
mod frame;
mod packet;
mod stream;
mod writer;

pub use error::{DecodeError, EncodeError, FrameError, ReadFrameError, WriteFrameError};
pub use frame::{FrameDecoder, encode_frame, frame_bytes_max, scratch_bytes_max};
pub use packet::{VERSION, decode, encode};
pub use stream::{read_frame, write_frame};
