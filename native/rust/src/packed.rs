//! Packed names, checked once: what passes here cannot lead a kernel out of bounds.

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

fn malformed<T>(field: &'static str, problem: String) -> Result<T, Malformed> {
    Err(Malformed { field, problem })
}

/// Packed text: item i is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy)]
pub struct CodePoints<'a> {
    offsets: &'a [i32],
    data: &'a [u32],
}

impl<'a> CodePoints<'a> {
    pub fn new(offsets: &'a [i32], data: &'a [u32]) -> Result<Self, Malformed> {
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
            return malformed("offsets", "expected at least 1 element, got 0".into());
        };
        if first != 0 {
            return malformed("offsets", format!("expected to start at 0, got {first}"));
        }
        if usize::try_from(last) != Ok(data.len()) {
            let len = data.len();
            return malformed("offsets", format!("expected to end at {len}, the length of data, got {last}"));
        }
        // A fold without early exit, because that is the form that vectorises.
        let falls = offsets.windows(2).fold(false, |falls, pair| falls | (pair[1] < pair[0]));
        if falls {
            return malformed("offsets", "expected values that never fall".into());
        }
        Ok(Self { offsets, data })
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn get(&self, i: usize) -> &'a [u32] {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
}

/// Names sorted by length, with what the bound needs; see `NameIndex` of the contract.
#[derive(Clone, Copy)]
pub struct NameIndex<'a> {
    pub names: CodePoints<'a>,
    pub bags: &'a [[u64; 2]],
    pub overflows: &'a [u16],
    pub rows: &'a [i32],
}

impl<'a> NameIndex<'a> {
    pub fn new(
        names: CodePoints<'a>,
        bags: &'a [[u64; 2]],
        overflows: &'a [u16],
        rows: &'a [i32],
    ) -> Result<Self, Malformed> {
        let n = names.len();
        for (field, len) in [("bags", bags.len()), ("overflows", overflows.len()), ("rows", rows.len())] {
            if len != n {
                return malformed(field, format!("expected one entry for each of {n} names, got {len}"));
            }
        }
        let shrinks = names
            .offsets
            .windows(3)
            .fold(false, |shrinks, o| shrinks | (o[2] - o[1] < o[1] - o[0]));
        if shrinks {
            return malformed("offsets", "expected names sorted by length".into());
        }
        Ok(Self { names, bags, overflows, rows })
    }

    /// The runs of names of one length, as (length, first name, one past the last).
    pub fn blocks(&self) -> Vec<(usize, usize, usize)> {
        let offsets = self.names.offsets;
        let length_of = |i: usize| (offsets[i + 1] - offsets[i]) as usize;
        let mut blocks = Vec::new();
        let mut start = 0;
        while start < self.names.len() {
            let length = length_of(start);
            let (mut end, mut beyond) = (start + 1, self.names.len());
            while end < beyond {
                let middle = end + (beyond - end) / 2;
                if length_of(middle) == length {
                    end = middle + 1;
                } else {
                    beyond = middle;
                }
            }
            blocks.push((length, start, end));
            start = end;
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(offsets: &[i32], data: &[u32]) -> String {
        CodePoints::new(offsets, data).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn offsets_that_leave_the_data_are_refused() {
        assert_eq!(problem(&[], &[]), "offsets: expected at least 1 element, got 0");
        assert_eq!(problem(&[1, 1], &[7]), "offsets: expected to start at 0, got 1");
        assert_eq!(problem(&[0, 2], &[7]), "offsets: expected to end at 1, the length of data, got 2");
        assert_eq!(problem(&[0, -1], &[7]), "offsets: expected to end at 1, the length of data, got -1");
        assert_eq!(problem(&[0, 2, 1], &[7]), "offsets: expected values that never fall");
        assert_eq!(problem(&[0, i32::MIN, i32::MAX, 1], &[7]), "offsets: expected values that never fall");
        assert_eq!(problem(&[0, 0, 1, 1], &[7]), "");
    }

    #[test]
    fn an_index_must_be_sorted_by_length_and_of_one_size() {
        let names = CodePoints::new(&[0, 2, 3], &[1, 2, 3]).unwrap();
        let refused = |names, bags: &[[u64; 2]]| {
            NameIndex::new(names, bags, &[0, 0], &[0, 1]).err().unwrap().to_string()
        };
        assert_eq!(refused(names, &[[0, 0]; 2]), "offsets: expected names sorted by length");
        assert_eq!(refused(names, &[[0, 0]; 1]), "bags: expected one entry for each of 2 names, got 1");
    }

    #[test]
    fn blocks_are_the_runs_of_one_length() {
        let names = CodePoints::new(&[0, 0, 1, 2, 3, 6], &[9; 6]).unwrap();
        let index = NameIndex::new(names, &[[0, 0]; 5], &[0; 5], &[0; 5]).unwrap();
        assert_eq!(index.blocks(), [(0, 0, 1), (1, 1, 4), (3, 4, 5)]);
    }
}
