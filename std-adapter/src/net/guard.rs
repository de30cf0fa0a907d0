//! The address guard: which addresses belong to the public internet.
//!
//! IPv4 is allowed unless a special-purpose block says otherwise; IPv6 is refused unless it lies in the global
//! unicast space (2000::/3) outside every special block. An IPv6 address that carries an IPv4 address inside is
//! judged by the address it carries. The blocks are those of IANA's special-purpose address registries
//! (RFC 6890 and its updates).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses an engine may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Public addresses only: what a server that takes URLs from strangers needs.
    #[default]
    PublicOnly,
    /// Every address, loopback and private networks too: for a closed network, and for trying things out.
    AllowPrivate,
}

impl AddressPolicy {
    /// Says whether this policy allows a call to `address`.
    ///
    /// # Errors
    /// The reason, when it does not.
    pub fn check(self, address: IpAddr) -> Result<(), BlockedAddress> {
        match self {
            Self::PublicOnly => is_public(address),
            Self::AllowPrivate => Ok(()),
        }
    }
}

/// An address that must not be called, with the reason in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {reason}")]
pub struct BlockedAddress {
    /// The address as it was asked for.
    pub address: IpAddr,
    /// Why it is refused, as the end of a sentence: "a loopback address".
    pub reason: BlockReason,
}

/// Why an address is refused; its text ends the sentence "… is".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockReason {
    /// The address lies in a special-purpose block.
    #[error("{0}")]
    Special(&'static str),
    /// The address carries an IPv4 address inside, and that one is refused.
    #[error("{form} for {inner}, which is {reason}")]
    Wraps {
        /// The form of wrapping.
        form: &'static str,
        /// The IPv4 address inside.
        inner: Ipv4Addr,
        /// Why that one is refused.
        reason: &'static str,
    },
}

/// Says whether `address` is one of the public internet.
///
/// # Errors
/// [`BlockedAddress`] with the reason, when it is not.
///
/// # Examples
/// ```
/// use bellwire::net::is_public;
/// assert!(is_public("93.184.215.14".parse().unwrap()).is_ok());
/// let blocked = is_public("127.0.0.1".parse().unwrap()).unwrap_err();
/// assert_eq!(blocked.to_string(), "127.0.0.1 is a loopback address");
/// ```
pub fn is_public(address: IpAddr) -> Result<(), BlockedAddress> {
    let reason = match address {
        IpAddr::V4(v4) => special_v4(v4).map(BlockReason::Special),
        IpAddr::V6(v6) => refused_v6(v6),
    };
    reason.map_or(Ok(()), |reason| Err(BlockedAddress { address, reason }))
}

/// The IPv4 blocks that are not for the public internet; the first that fits gives the reason.
const SPECIAL_V4: [([u8; 4], u32, &str); 17] = [
    ([0, 0, 0, 0], 32, "the unspecified address"),
    ([0, 0, 0, 0], 8, "an address of this network"),
    ([10, 0, 0, 0], 8, "a private address"),
    ([100, 64, 0, 0], 10, "a shared (carrier) address"),
    ([127, 0, 0, 0], 8, "a loopback address"),
    ([169, 254, 0, 0], 16, "a link-local address"),
    ([172, 16, 0, 0], 12, "a private address"),
    ([192, 0, 0, 0], 24, "a protocol assignment"),
    ([192, 0, 2, 0], 24, "a documentation address"),
    ([192, 88, 99, 0], 24, "a 6to4 relay address"),
    ([192, 168, 0, 0], 16, "a private address"),
    ([198, 18, 0, 0], 15, "a benchmarking address"),
    ([198, 51, 100, 0], 24, "a documentation address"),
    ([203, 0, 113, 0], 24, "a documentation address"),
    ([224, 0, 0, 0], 4, "a multicast address"),
    ([255, 255, 255, 255], 32, "the broadcast address"),
    ([240, 0, 0, 0], 4, "a reserved address"),
];

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    SPECIAL_V4.iter().find(|(block, bits, _)| in_block_v4(address, *block, *bits)).map(|(_, _, why)| *why)
}

fn in_block_v4(address: Ipv4Addr, block: [u8; 4], bits: u32) -> bool {
    (u32::from(address) ^ u32::from_be_bytes(block)) >> (32 - bits) == 0
}

/// The IPv6 blocks with a name; the first that fits gives the reason.
///
/// 2001::/23 stands for all protocol assignments in it (Teredo is judged before, by the addresses it carries).
const SPECIAL_V6: [(Ipv6Addr, u32, &str); 13] = [
    (Ipv6Addr::UNSPECIFIED, 128, "the unspecified address"),
    (Ipv6Addr::LOCALHOST, 128, "a loopback address"),
    (block(0, 0, 0, 0), 8, "a reserved address"),
    (block(0x64, 0xff9b, 1, 0), 48, "a local NAT64 address"),
    (block(0x100, 0, 0, 0), 64, "a discard-only address"),
    (block(0x2001, 0, 0, 0), 23, "a protocol assignment"),
    (block(0x2001, 0xdb8, 0, 0), 32, "a documentation address"),
    (block(0x3ffe, 0, 0, 0), 16, "an address of the former 6bone"),
    (block(0x3fff, 0, 0, 0), 20, "a documentation address"),
    (block(0xfc00, 0, 0, 0), 7, "a unique local (private) address"),
    (block(0xfe80, 0, 0, 0), 10, "a link-local address"),
    (block(0xfec0, 0, 0, 0), 10, "a site-local address"),
    (block(0xff00, 0, 0, 0), 8, "a multicast address"),
];

/// The only IPv6 space that is handed out to the public internet.
const GLOBAL_UNICAST: Ipv6Addr = block(0x2000, 0, 0, 0);

/// The well-known prefix of NAT64 (RFC 6052). On an IPv6-only network the resolver answers with such addresses
/// for every host that has IPv4 alone, so this one form outside the global unicast space is judged by what it
/// carries.
const NAT64: Ipv6Addr = block(0x64, 0xff9b, 0, 0);

const fn block(a: u16, b: u16, c: u16, d: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)
}

fn refused_v6(address: Ipv6Addr) -> Option<BlockReason> {
    if let Some(reason) = refused_inside(address) {
        return Some(reason);
    }
    if in_block_v6(address, NAT64, 96) || is_teredo(address) {
        return None;
    }
    special_v6(address).or_else(|| not_global(address)).map(BlockReason::Special)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    // The local NAT64 block lies inside the reserved block before it in the table: longest prefix wins.
    let fits = SPECIAL_V6.iter().filter(|(block, bits, _)| in_block_v6(address, *block, *bits));
    fits.max_by_key(|(_, bits, _)| *bits).map(|(_, _, why)| *why)
}

fn not_global(address: Ipv6Addr) -> Option<&'static str> {
    (!in_block_v6(address, GLOBAL_UNICAST, 3)).then_some("outside the global unicast space")
}

fn in_block_v6(address: Ipv6Addr, block: Ipv6Addr, bits: u32) -> bool {
    (u128::from(address) ^ u128::from(block)) >> (128 - bits) == 0
}

/// The refusal of an IPv4 address that `address` carries inside.
fn refused_inside(address: Ipv6Addr) -> Option<BlockReason> {
    let carried = carried_v4(address).into_iter().flatten();
    carried
        .into_iter()
        .find_map(|(form, inner)| special_v4(inner).map(|reason| BlockReason::Wraps { form, inner, reason }))
}

/// The IPv4 addresses inside `address`, with the name of the form. Teredo carries two: server and client.
fn carried_v4(address: Ipv6Addr) -> [Option<(&'static str, Ipv4Addr)>; 2] {
    let bits = u128::from(address);
    let v4_at = |shift: u32| Ipv4Addr::from((bits >> shift) as u32);
    let low = v4_at(0);
    if u128::from(address) <= 1 {
        return [None, None];
    }
    if in_block_v6(address, Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96) {
        return [Some(("the IPv4-mapped address", low)), None];
    }
    if in_block_v6(address, Ipv6Addr::UNSPECIFIED, 96) {
        return [Some(("the IPv4-compatible address", low)), None];
    }
    if in_block_v6(address, Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96) {
        return [Some(("the IPv4-translated address", low)), None];
    }
    if in_block_v6(address, NAT64, 96) {
        return [Some(("the NAT64 address", low)), None];
    }
    if in_block_v6(address, block(0x2002, 0, 0, 0), 16) {
        return [Some(("a 6to4 address", v4_at(80))), None];
    }
    if is_teredo(address) {
        let client = Ipv4Addr::from(!u32::from(low));
        return [Some(("a Teredo address", v4_at(64))), Some(("a Teredo address", client))];
    }
    if is_isatap(address) {
        return [Some(("an ISATAP address", low)), None];
    }
    [None, None]
}

fn is_teredo(address: Ipv6Addr) -> bool {
    in_block_v6(address, block(0x2001, 0, 0, 0), 32)
}

/// ISATAP interface identifiers (RFC 5214): `0000:5efe` or `0200:5efe`, then the IPv4 address.
fn is_isatap(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    segments[4] & !0x0200 == 0 && segments[5] == 0x5efe
}
