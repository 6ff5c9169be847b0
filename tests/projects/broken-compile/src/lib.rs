//! Does not compile, unless it is mended by a feature.

/// A type error.
#[cfg(not(feature = "mended"))]
#[no_mangle]
pub extern "C" fn wrong() -> u32 {
    "not a number"
}
