//! Every bound of the core, named once, with the relations between them checked by the compiler.
//!
//! Bounds on bytes count bytes of UTF-8, not characters. The capacities of a builder are not here: its owner chooses
//! them (see [`table`](mod@crate::table)).

/// Longest identifier: Contentful's `^[a-zA-Z0-9-_.]{1,64}$`.
pub const ID_BYTES_MAX: usize = 64;

/// Longest type of a topic, the part before the dot.
pub const TYPE_BYTES_MAX: usize = 64;
/// Longest action of a topic, the part after the dot.
pub const ACTION_BYTES_MAX: usize = 64;
/// Most segments of a topic or a pattern.
pub const SEGMENTS_MAX: usize = 8;
/// Longest segment of a topic that has more than two.
pub const SEGMENT_BYTES_MAX: usize = 64;
/// Longest topic without a header prefix: all segments and the dots between them.
pub const TOPIC_BYTES_MAX: usize = SEGMENTS_MAX * SEGMENT_BYTES_MAX + SEGMENTS_MAX - 1;

/// Most topic patterns of one webhook; all the topics Contentful knows, one by one, are under a hundred.
pub const PATTERNS_PER_WEBHOOK_MAX: usize = 256;
/// Most filters of one webhook.
pub const FILTERS_PER_WEBHOOK_MAX: usize = 32;
/// Most values in the list of one `in`.
pub const FILTER_VALUES_MAX: usize = 256;
/// Longest regular expression of a filter.
pub const REGEXP_BYTES_MAX: usize = 1024;
/// Largest compiled regular expression: the bytes of its automaton.
pub const DFA_BYTES_MAX: usize = 128 * 1024;

/// Most bytes of a match table's image.
pub const TABLE_BYTES_MAX: usize = 1 << 30;
/// Most different attributes that the filters of one table name.
pub const TABLE_DOCS_MAX: usize = 254;
/// Most different values and attributes that the filters of one table name.
pub const TABLE_VALUES_MAX: usize = 1 << 24;
/// Most names that share a bucket of a table: so many texts are compared to find one.
pub const TABLE_BUCKET_MAX: usize = 16;
/// Most steps that one event may cost a table; `docs/match-table.md` says what a step is.
pub const TABLE_STEPS_MAX: u32 = 1 << 28;
/// Webhooks with filters on one pattern from which on a table groups them by a value that they ask for.
pub const TABLE_GROUP_ROWS_MIN: usize = 16;

/// Most attributes of one event.
pub const ATTRIBUTES_MAX: usize = 16;
/// Longest name of an attribute, and so of a filter's `doc`.
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 64;
/// Longest value of an attribute, and so of a value a filter compares it with.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 256;
/// Largest payload of an event: Contentful takes request bodies up to 1 MB.
pub const EVENT_PAYLOAD_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of an encoded attribute: length of the name, name, type of the value, and a text with its length.
const ATTRIBUTE_ENCODED_BYTES_MAX: usize =
    1 + ATTRIBUTE_NAME_BYTES_MAX + 1 + VARINT_SHORT_BYTES + ATTRIBUTE_VALUE_BYTES_MAX;
/// Most bytes an encoded event adds to its payload: version, id, topic, time, attributes and the lengths of them.
pub const EVENT_OVERHEAD_BYTES_MAX: usize = 1
    + VARINT_U128_BYTES
    + (VARINT_SHORT_BYTES + TOPIC_BYTES_MAX)
    + VARINT_U64_BYTES
    + 1
    + ATTRIBUTES_MAX * ATTRIBUTE_ENCODED_BYTES_MAX
    + VARINT_PAYLOAD_BYTES;
/// Largest encoded event.
pub const EVENT_ENCODED_BYTES_MAX: usize = EVENT_OVERHEAD_BYTES_MAX + EVENT_PAYLOAD_BYTES_MAX;

/// Bytes of the checksum at the end of a frame's content.
pub const FRAME_CHECKSUM_BYTES: usize = 4;
/// What a frame adds to an encoded event apart from one byte in 254: checksum, first code byte, terminator.
pub const FRAME_OVERHEAD: usize = FRAME_CHECKSUM_BYTES + 2;

/// Length of a signing secret in bytes, exactly.
pub const SECRET_BYTES: usize = 64;
/// Most headers of one request that can be signed, the two the signature adds included.
pub const SIGNED_HEADERS_MAX: usize = 64;
/// A signature's timestamp must be later than this: the start of 2020 in milliseconds since 1970.
pub const SIGNATURE_TIMESTAMP_MS_MIN: u64 = 1_577_836_800_000;

/// Most retries a policy may ask for: Contentful's custom policy ends at 99.
pub const RETRIES_MAX: u8 = 99;

const VARINT_SHORT_BYTES: usize = 2;
const VARINT_PAYLOAD_BYTES: usize = 3;
const VARINT_U64_BYTES: usize = 10;
const VARINT_U128_BYTES: usize = 19;

// A topic remembers the position of its first dot in one byte, that of its last in two.
const _: () = assert!(TYPE_BYTES_MAX <= u8::MAX as usize && SEGMENT_BYTES_MAX <= u8::MAX as usize);
const _: () = assert!(TOPIC_BYTES_MAX <= u16::MAX as usize);
// A type and an action are segments.
const _: () = assert!(TYPE_BYTES_MAX <= SEGMENT_BYTES_MAX && ACTION_BYTES_MAX <= SEGMENT_BYTES_MAX);
// The match table tells the shapes of patterns apart by a bit for each segment, and names an attribute and a value in
// four bytes together.
const _: () = assert!(SEGMENTS_MAX <= 8 && TABLE_DOCS_MAX < u8::MAX as usize && TABLE_VALUES_MAX <= 1 << 24);
// Offsets into an image have 32 bits.
const _: () = assert!(TABLE_BYTES_MAX <= u32::MAX as usize);
// The match table keeps lengths of texts in two bytes.
const _: () = assert!(REGEXP_BYTES_MAX <= u16::MAX as usize);
const _: () =
    assert!(ATTRIBUTE_VALUE_BYTES_MAX <= REGEXP_BYTES_MAX && ATTRIBUTE_NAME_BYTES_MAX <= REGEXP_BYTES_MAX);
// An identifier fits wherever an attribute's value does: filters compare with ids.
const _: () = assert!(ID_BYTES_MAX <= ATTRIBUTE_VALUE_BYTES_MAX);
// The lengths above are written as variable-length integers of seven bits a byte.
const _: () = assert!(TOPIC_BYTES_MAX < 1 << 14 && ATTRIBUTE_VALUE_BYTES_MAX < 1 << 14);
// The number of attributes is kept in one byte, too.
const _: () = assert!(ATTRIBUTES_MAX < 1 << 7 && ATTRIBUTE_NAME_BYTES_MAX < 1 << 7);
const _: () = assert!(EVENT_PAYLOAD_BYTES_MAX < 1 << 21);
// No integer takes more than the longest text does.
const _: () = assert!(VARINT_U64_BYTES <= VARINT_SHORT_BYTES + ATTRIBUTE_VALUE_BYTES_MAX);
// A signature adds two headers of its own.
const _: () = assert!(SIGNED_HEADERS_MAX > 2);
