//! The kernels of hotpath: pure functions on slices, one module per kernel.
//! `python` alone knows of Python.

pub mod bags;
pub mod jaro;
pub mod packed;
#[cfg(feature = "python")]
mod python;
pub mod screen;
