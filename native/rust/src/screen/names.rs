//! Normalisation of names, as the service's `normalize` has it. See `FoldingTables` of the
//! contract for the codes.

use crate::packed::{Malformed, Packed, malformed};

const PAGES: usize = 0x1100;
const PAGE: usize = 256;
const CASED: i32 = 1 << 24;
const PART: i32 = 0;
const SPACE: i32 = -1;
const DOT: i32 = -2;
const TIE: i32 = -3;
const GONE: i32 = -4;
const SEQUENCE: i32 = -5;

#[derive(Clone, Copy)]
pub struct Folding<'a> {
    pages: &'a [u16; PAGES],
    becomes: &'a [i32],
    sequences: Packed<'a, i32>,
}

impl<'a> Folding<'a> {
    /// becomes: row by row. Its codes are not looked through here: one that leads nowhere panics.
    pub fn new(
        pages: &'a [u16],
        becomes: &'a [i32],
        sequences: Packed<'a, i32>,
    ) -> Result<Self, Malformed> {
        let Ok(pages) = pages.try_into() else {
            return malformed(
                "pages",
                format!("expected {PAGES} elements, got {}", pages.len()),
            );
        };
        Ok(Self {
            pages,
            becomes,
            sequences,
        })
    }

    #[inline]
    fn becomes(&self, point: usize) -> i32 {
        self.becomes[usize::from(self.pages[point / PAGE]) * PAGE + point % PAGE]
    }
}

/// A token, where it stands in the folded text, and what parts it from the one before.
#[derive(Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
    gap: i32,
    is_letter: bool, // one, of a script with case
    is_tied: bool,   // to the word before or after it
}

/// What parts two words, a bit for each kind that occurs.
#[derive(Clone, Copy, Default)]
struct Gap(u8);

impl Gap {
    fn add(&mut self, kind: i32) {
        self.0 |= 1 << -kind;
    }

    fn has(self, kind: i32) -> bool {
        self.0 >> -kind & 1 == 1
    }

    /// What the words are to one another: a tie ties them only by itself.
    fn kind(self) -> i32 {
        if self.has(PART) {
            PART
        } else if self.has(DOT) {
            DOT
        } else if !self.has(TIE) {
            SPACE
        } else if self.has(SPACE) {
            PART
        } else {
            TIE
        }
    }
}

/// Keeps its memory from name to name.
pub struct Normalizer<'a> {
    folding: Folding<'a>,
    folded: Vec<u32>,
    words: Vec<Word>,
    gap: Gap,
    in_word: bool,
    last: i32, // the code of the last character of a word
}

impl<'a> Normalizer<'a> {
    pub fn new(folding: Folding<'a>) -> Self {
        Self {
            folding,
            folded: Vec::new(),
            words: Vec::new(),
            gap: Gap::default(),
            in_word: false,
            last: 0,
        }
    }

    /// Appends the form of the name that is compared.
    pub fn normalize(&mut self, name: &str, out: &mut Vec<u32>) {
        self.split(name);
        if self.letters() > 1 {
            // Dots first: in `J S.A.` the J is no part of the abbreviation.
            self.join(DOT);
            self.join(SPACE);
            self.join_left();
        }
        let Self { folded, words, .. } = self;
        words.sort_unstable_by(|a, b| folded[a.start..a.end].cmp(&folded[b.start..b.end]));
        for (i, word) in words.iter().enumerate() {
            if i > 0 {
                out.push(' '.into());
            }
            out.extend_from_slice(&folded[word.start..word.end]);
        }
    }

    fn split(&mut self, name: &str) {
        self.folded.clear();
        self.words.clear();
        self.gap = Gap::default();
        self.in_word = false;
        for char in name.chars() {
            let code = self.folding.becomes(char as usize);
            if code > SEQUENCE {
                self.add(code);
            } else {
                let sequences = self.folding.sequences;
                for &code in sequences.get((SEQUENCE - code) as usize) {
                    self.add(code);
                }
            }
        }
        self.add(PART);
    }

    #[inline]
    fn add(&mut self, code: i32) {
        if code > 0 {
            if !self.in_word {
                let gap = self.gap.kind();
                let mut is_tied = false;
                if gap == TIE
                    && let Some(before) = self.words.last_mut()
                {
                    before.is_tied = true;
                    is_tied = true;
                }
                let start = self.folded.len();
                self.words.push(Word {
                    start,
                    end: start,
                    gap,
                    is_letter: false,
                    is_tied,
                });
                self.in_word = true;
                self.gap = Gap::default();
            }
            self.last = code;
            self.folded.push((code & !CASED) as u32);
        } else if code != GONE {
            if self.in_word {
                self.in_word = false;
                let end = self.folded.len();
                let word = self.words.last_mut().expect("one is open");
                word.end = end;
                word.is_letter = end == word.start + 1 && self.last & CASED != 0;
            }
            self.gap.add(code);
        }
    }

    fn letters(&self) -> usize {
        self.words.iter().filter(|word| word.is_letter).count()
    }

    /// Makes a word of single letters that gaps of the kind part. In the folded text they stand
    /// one behind the other.
    fn join(&mut self, kind: i32) {
        let mut joined = 0;
        let mut is_open = false;
        for i in 0..self.words.len() {
            let word = self.words[i];
            let is_single = word.is_letter && !word.is_tied;
            if is_open && is_single && word.gap == kind {
                let last = &mut self.words[joined - 1];
                last.end = word.end;
                last.is_letter = false;
            } else {
                self.words[joined] = word;
                joined += 1;
                is_open = is_single;
            }
        }
        self.words.truncate(joined);
    }

    /// Makes one word of the single letters that are left, in code point order: sorting would
    /// bring them together, and normalising again would join them.
    fn join_left(&mut self) {
        if self.letters() < 2 {
            return;
        }
        let start = self.folded.len();
        let Self { folded, words, .. } = self;
        words.retain(|word| {
            if word.is_letter {
                folded.push(folded[word.start]);
            }
            !word.is_letter
        });
        folded[start..].sort_unstable();
        words.push(Word {
            start,
            end: folded.len(),
            gap: PART,
            is_letter: false,
            is_tied: false,
        });
    }
}
