//! Packed texts and bytes, checked once: what passes here cannot lead a kernel out of bounds.

use std::fmt;

/// An array that does not keep the contract.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    /// The field at fault, for example `offsets`.
    pub field: &'static str,
    /// What was expected and what came.
    pub problem: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

pub fn malformed<T>(field: &'static str, problem: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed {
        field,
        problem: problem.into(),
    })
}

/// Offsets that go from 0 to `end` and never fall.
pub fn check_offsets(field: &'static str, offsets: &[i32], end: usize) -> Result<(), Malformed> {
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return malformed(field, "expected at least 1 element, got 0");
    };
    if first != 0 {
        return malformed(field, format!("expected to start at 0, got {first}"));
    }
    if usize::try_from(last) != Ok(end) {
        return malformed(field, format!("expected to end at {end}, got {last}"));
    }
    // A fold without early exit, because that is the form that vectorises.
    let falls = offsets
        .windows(2)
        .fold(false, |falls, pair| falls | (pair[1] < pair[0]));
    if falls {
        return malformed(field, "expected values that never fall");
    }
    Ok(())
}

/// Packed text: item i is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy)]
pub struct Packed<'a, T> {
    offsets: &'a [i32],
    data: &'a [T],
}

pub type CodePoints<'a> = Packed<'a, u32>;
pub type Blobs<'a> = Packed<'a, u8>;

impl<'a, T> Packed<'a, T> {
    pub fn new(offsets: &'a [i32], data: &'a [T]) -> Result<Self, Malformed> {
        check_offsets("offsets", offsets, data.len())?;
        Ok(Self { offsets, data })
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn offsets(&self) -> &'a [i32] {
        self.offsets
    }

    /// Of all items together, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.data)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn length(&self, i: usize) -> usize {
        (self.offsets[i + 1] - self.offsets[i]) as usize
    }

    #[inline]
    pub fn get(&self, i: usize) -> &'a [T] {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
}

/// Packed items that own their arrays.
pub struct Items<T> {
    offsets: Vec<i32>,
    data: Vec<T>,
}

impl<T: Clone> Items<T> {
    pub fn with_capacity(items: usize, data: usize) -> Self {
        let mut offsets = Vec::with_capacity(items + 1);
        offsets.push(0);
        Self {
            offsets,
            data: Vec::with_capacity(data),
        }
    }

    pub fn pack(items: &[Vec<T>]) -> Self {
        let mut packed = Self::with_capacity(items.len(), 0);
        for item in items {
            packed.push(|data| data.extend_from_slice(item));
        }
        packed
    }

    /// One more item: what `append` puts behind the others.
    pub fn push<R>(&mut self, append: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let result = append(&mut self.data);
        let end = i32::try_from(self.data.len()).expect("a request is far shorter");
        self.offsets.push(end);
        result
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn packed(&self) -> Packed<'_, T> {
        Packed {
            offsets: &self.offsets,
            data: &self.data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(offsets: &[i32], data: &[u32]) -> String {
        CodePoints::new(offsets, data)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn offsets_that_leave_the_data_are_refused() {
        assert_eq!(
            problem(&[], &[]),
            "offsets: expected at least 1 element, got 0"
        );
        assert_eq!(
            problem(&[1, 1], &[7]),
            "offsets: expected to start at 0, got 1"
        );
        assert_eq!(
            problem(&[0, 2], &[7]),
            "offsets: expected to end at 1, got 2"
        );
        assert_eq!(
            problem(&[0, -1], &[7]),
            "offsets: expected to end at 1, got -1"
        );
        assert_eq!(
            problem(&[0, 2, 1], &[7]),
            "offsets: expected values that never fall"
        );
        assert_eq!(
            problem(&[0, i32::MIN, i32::MAX, 1], &[7]),
            "offsets: expected values that never fall"
        );
        assert_eq!(problem(&[0, 0, 1, 1], &[7]), "");
    }
}
