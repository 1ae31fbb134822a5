//! What the Python module has beside its kernels.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::boundary::{natural, run};

/// What `use_threads` set: for the whole process, as the cores are.
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// The threads that one call may use.
pub fn threads() -> usize {
    THREADS.load(Relaxed)
}

/// One large call takes so many threads at most.
#[pyfunction]
pub fn use_threads(count: &Bound<'_, PyAny>) -> PyResult<()> {
    let count = natural("count", count)?;
    if count == 0 {
        return Err(PyValueError::new_err("count: expected at least 1, got 0"));
    }
    THREADS.store(count, Relaxed);
    Ok(())
}

/// For the test that a panic arrives as a KernelPanic.
#[pyfunction]
pub fn _panic(py: Python, message: String) -> PyResult<()> {
    run(py, "_panic", || panic!("{message}"))
}

/// Adds what users are shown of this build.
pub fn describe(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("build_info", build_info())
}

/// What decides how fast this is.
fn build_info() -> String {
    let profile = if cfg!(debug_assertions) {
        "debug build, not to be measured"
    } else {
        "release build"
    };
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("SHA-NI", is_x86_feature_detected!("sha")),
    ];
    #[cfg(target_arch = "aarch64")]
    let features = [("SHA2", std::arch::is_aarch64_feature_detected!("sha2"))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let features: [(&str, bool); 0] = [];
    let found = features.map(|(name, is_there)| {
        let with = if is_there { "with" } else { "without" };
        format!(", {with} {name}")
    });
    profile.to_owned() + &found.concat()
}
