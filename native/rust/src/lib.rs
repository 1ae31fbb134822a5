//! The kernels of hotpath: pure functions on slices, one module per kernel.
//! `python` alone knows of Python.

pub mod bound;
pub mod jaro;
pub mod packed;
pub mod planes;
#[cfg(feature = "python")]
mod python;
pub mod screen;
