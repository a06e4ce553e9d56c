//! Random bits that a number decides, with no state between them.

/// SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): a number's own random bits, with no state between them.
pub(crate) fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Scales random bits to 0..`limit` (Lemire, ACM TOMACS 29(1), 2019; the bias of at most limit / 2⁶⁴ is left).
pub(crate) fn below(random: u64, limit: u64) -> u64 {
    ((u128::from(random) * u128::from(limit)) >> 64) as u64
}
