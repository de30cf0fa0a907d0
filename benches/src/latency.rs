//! Latencies in microseconds.

/// Milliseconds that so many of a thousand did not exceed; sorts them.
#[must_use]
pub fn quantile_ms(latencies: &mut [u64], per_mille: usize) -> f64 {
    latencies.sort_unstable();
    let place = (latencies.len() * per_mille / 1_000).min(latencies.len().saturating_sub(1));
    latencies.get(place).map_or(f64::NAN, |micros| *micros as f64 / 1_000.0)
}
