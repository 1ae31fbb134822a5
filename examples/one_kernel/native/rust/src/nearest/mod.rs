//! The kernel `nearest`; the contract states the method.

#[cfg(feature = "python")]
pub mod python;
#[cfg(test)]
mod tests;

use crate::share::share;

/// Points that one thread looks at in one go.
const CHUNK: usize = 16;

/// Pairs that are worth a thread of their own: about 0.2 ms of work.
const PAIRS_PER_THREAD: usize = 200_000;

/// rows, squares: a place for each point. The number of threads does not change them.
pub fn nearest(
    points: &[[f64; 3]],
    places: &[[f64; 3]],
    threads: usize,
    rows: &mut [i32],
    squares: &mut [f64],
) {
    assert!(rows.len() == points.len() && squares.len() == points.len());
    let pairs = points.len().saturating_mul(places.len());
    let found = rows.chunks_mut(CHUNK).zip(squares.chunks_mut(CHUNK));
    share(
        points.chunks(CHUNK).zip(found),
        threads.min(pairs / PAIRS_PER_THREAD),
        |(points, (rows, squares))| {
            for ((point, row), square) in points.iter().zip(rows).zip(squares) {
                (*row, *square) = find(point, places);
            }
        },
    );
}

fn find(point: &[f64; 3], places: &[[f64; 3]]) -> (i32, f64) {
    let (mut row, mut least) = (-1, f64::INFINITY);
    for (i, place) in places.iter().enumerate() {
        let [x, y, z] = [0, 1, 2].map(|axis| point[axis] - place[axis]);
        let square = x * x + y * y + z * z; // Rust fuses nothing unless told to
        if square < least {
            (row, least) = (i as i32, square);
        }
    }
    (row, least)
}
