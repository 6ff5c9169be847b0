//! What the workspace computes.

/// The sum of the squares below `limit`.
pub fn squares(limit: u64) -> u64 {
    (0..limit).map(|n| n * n).sum()
}
