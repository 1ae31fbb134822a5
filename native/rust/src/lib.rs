//! The kernels of hotpath: pure functions on slices, one module per kernel.
//! Only `boundary` and `python` know of Python.

pub mod bound;
#[cfg(feature = "python")]
mod boundary;
pub mod jaro;
pub mod packed;
pub mod planes;
#[cfg(feature = "python")]
mod python;
pub mod rules;
pub mod screen;
pub mod seal;
pub mod sha256;
pub mod share;
pub mod validate;
