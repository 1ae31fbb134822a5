//! The kernel `validate`; the contract states the rules.

mod answer;
#[cfg(feature = "python")]
pub mod python;
mod rules;

use std::collections::HashSet;
use std::iter;

use foldhash::fast::RandomState;

pub use self::answer::answer;
use self::rules::*;
pub use self::rules::{PaymentColumns, RuleTables};
use crate::packed::Blobs;
use crate::share::share;

/// Payments that one thread judges in one go.
const CHUNK: usize = 256;

/// Payments that are worth a thread of their own: about 0.2 ms of work.
const PAYMENTS_PER_THREAD: usize = 2000;

const MAX_AMOUNT_MINOR: u64 = 1_000_000_000_000_000 - 1;
const MAX_AMOUNT_DIGITS: usize = 18;
const MAX_FRACTION_DIGITS: usize = 5;
const MAX_ID: usize = 35;

enum Task<'a> {
    Duplicates(&'a mut Vec<usize>),
    Judge {
        first: usize,
        violations: &'a mut [u32],
    },
}

/// violations: one place for each payment, 0 before. The number of threads does not
/// change what comes out.
pub fn validate(
    payments: PaymentColumns,
    rules: RuleTables,
    threads: usize,
    violations: &mut [u32],
) {
    assert_eq!(violations.len(), payments.len());
    let mut duplicates = Vec::new();
    let chunks = violations.chunks_mut(CHUNK).enumerate();
    let chunks = chunks.map(|(i, violations)| Task::Judge {
        first: i * CHUNK,
        violations,
    });
    // One task sees all identifiers, while other threads judge payment by payment.
    let tasks = iter::once(Task::Duplicates(&mut duplicates)).chain(chunks);
    share(
        tasks,
        threads.min(payments.len() / PAYMENTS_PER_THREAD),
        |task| match task {
            Task::Duplicates(found) => *found = find_duplicates(payments.end_to_end_id),
            Task::Judge { first, violations } => {
                for (i, found) in violations.iter_mut().enumerate() {
                    *found = judge(&payments, first + i, &rules);
                }
            }
        },
    );
    for i in duplicates {
        violations[i] |= ID_DUPLICATE;
    }
}

/// The items that equal an earlier one. The set's hash is keyed at random, so that a caller
/// cannot know which items collide; the standard one resists more and takes as long as an IBAN.
fn find_duplicates(items: Blobs) -> Vec<usize> {
    // In an empty column items have no memory; where there is none, memcmp takes ten times
    // as long for no bytes as for some.
    const EMPTY: &[u8] = b"-".split_at(0).0;
    let mut earlier = HashSet::with_capacity_and_hasher(items.len(), RandomState::default());
    (0..items.len())
        .filter(|&i| {
            let item = items.get(i);
            !earlier.insert(if item.is_empty() { EMPTY } else { item })
        })
        .collect()
}

/// What is wrong with a payment by itself.
fn judge(payments: &PaymentColumns, i: usize, rules: &RuleTables) -> u32 {
    let (debtor, _) = judge_iban(payments.debtor_iban.get(i), rules);
    let (creditor, country) = judge_iban(payments.creditor_iban.get(i), rules);
    debtor
        | creditor << DEBTOR_TO_CREDITOR
        | judge_bic(payments.creditor_bic.get(i), country, rules)
        | judge_amount(payments.amount.get(i), payments.currency.get(i), rules)
        | judge_id(payments.end_to_end_id.get(i))
}

/// What is known of a byte.
#[derive(Clone, Copy)]
struct Character {
    classes: u8, // DIGIT, LETTER, IDENTIFIER
    value: u8,   // in an IBAN, of a digit or a letter: A is 10
}

/// One of the characters of an end-to-end id.
const IDENTIFIER: u8 = 4;

const CHARACTERS: [Character; 256] = {
    const UNKNOWN: Character = Character {
        classes: 0,
        value: 0,
    };
    let mut characters = [UNKNOWN; 256];
    let mut byte = 0;
    while byte < 256 {
        let (classes, value) = match byte as u8 {
            c @ b'0'..=b'9' => (DIGIT | IDENTIFIER, c - b'0'),
            c @ b'A'..=b'Z' => (LETTER | IDENTIFIER, c - b'A' + 10),
            b'a'..=b'z' => (IDENTIFIER, 0),
            b'/' | b'-' | b'?' | b':' | b'(' | b')' => (IDENTIFIER, 0),
            b'.' | b',' | b'\'' | b'+' | b' ' => (IDENTIFIER, 0),
            _ => (0, 0),
        };
        characters[byte] = Character { classes, value };
        byte += 1;
    }
    characters
};

/// Whether each byte is in one of the classes.
#[inline(always)]
fn all_are(text: &[u8], classes: u8) -> bool {
    let class_of = |byte: u8| CHARACTERS[byte as usize].classes;
    // Without early exit, because valid text is the usual one.
    text.iter()
        .fold(true, |all, &byte| all & (class_of(byte) & classes != 0))
}

/// 10^k mod 97. An IBAN of letters alone has fewer digits than the table.
const POWERS: [u8; 128] = {
    let mut powers = [1; 128];
    let mut k = 1;
    while k < 128 {
        powers[k] = (powers[k - 1] as u16 * 10 % 97) as u8;
        k += 1;
    }
    powers
};

/// Part of a number mod 97, from its last digit up. Each character is weighted by itself,
/// so that no division and no multiplication waits for the one before.
#[derive(Default)]
struct Mod97 {
    sum: u32, // 35 * 96 for each character at most
    digits: usize,
}

impl Mod97 {
    #[inline(always)]
    fn prepend(&mut self, character: Character) {
        self.sum += character.value as u32 * POWERS[self.digits % POWERS.len()] as u32;
        let is_letter = character.classes & LETTER != 0;
        self.digits += 1 + usize::from(is_letter); // A is 10
    }
}

/// A debtor's bit at most, and the country's number if it has IBANs.
fn judge_iban(iban: &[u8], rules: &RuleTables) -> (u32, Option<usize>) {
    let country = iban
        .first_chunk::<2>()
        .and_then(|code| letters_number(code));
    let Some((country, structure)) = country.and_then(|c| Some((c, rules.iban(c)?))) else {
        return (IBAN_COUNTRY, None);
    };
    (judge_iban_of(&structure, iban), Some(country))
}

fn judge_iban_of(structure: &Structure, iban: &[u8]) -> u32 {
    let Some((head, bban)) = iban.split_first_chunk::<4>() else {
        return IBAN_LENGTH;
    };
    if iban.len() != structure.length {
        return IBAN_LENGTH;
    }
    let [tens, ones] = [head[2], head[3]].map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let check_digits = 10 * tens + ones;
    if tens > 9 || ones > 9 || !(2..=98).contains(&check_digits) {
        return IBAN_STRUCTURE;
    }
    // ISO 7064 reads the BBAN, the country and the check digits as one number. The
    // country's letters are two digits each.
    let [first, second] = [head[0], head[1]].map(|byte| u32::from(CHARACTERS[byte as usize].value));
    let mut number = Mod97 {
        sum: (100 * first + second) * 100 + check_digits,
        digits: 6,
    };
    let mut misplaced = false;
    for (&byte, &allowed) in bban.iter().zip(&structure.classes[..bban.len()]).rev() {
        let character = CHARACTERS[byte as usize];
        misplaced |= character.classes & allowed == 0;
        number.prepend(character);
    }
    if misplaced {
        IBAN_STRUCTURE
    } else if number.sum % 97 != 1 {
        IBAN_CHECKSUM
    } else {
        0
    }
}

/// Upper-case letters as a number to the base 26; None for anything else.
#[inline(always)]
fn letters_number(code: &[u8]) -> Option<usize> {
    code.iter().try_fold(0, |number, byte| {
        let letter = byte.wrapping_sub(b'A');
        (letter < 26).then_some(26 * number + letter as usize)
    })
}

fn judge_bic(bic: &[u8], iban_country: Option<usize>, rules: &RuleTables) -> u32 {
    if !matches!(bic.len(), 8 | 11) || !all_are(bic, DIGIT | LETTER) {
        return BIC_STRUCTURE;
    }
    let Some(country) = letters_number(&bic[4..6]) else {
        return BIC_STRUCTURE;
    };
    match iban_country {
        Some(known) if known != rules.home(country) => BIC_COUNTRY,
        _ => 0,
    }
}

fn judge_amount(amount: &[u8], currency: &[u8], rules: &RuleTables) -> u32 {
    let currency = if currency.len() == 3 {
        letters_number(currency)
    } else {
        None
    };
    let minor_units = currency.and_then(|number| rules.minor_units(number));
    match (parse_amount(amount), minor_units) {
        (None, None) => CURRENCY_UNKNOWN | AMOUNT_FORMAT,
        (Some(_), None) => CURRENCY_UNKNOWN,
        (None, Some(_)) => AMOUNT_FORMAT,
        (Some((_, decimals)), Some(minor_units)) if decimals > minor_units => AMOUNT_MINOR_UNITS,
        (Some((value, decimals)), Some(minor_units)) => {
            let missing = (minor_units - decimals) as u32;
            let most = 10u64
                .checked_pow(missing)
                .map_or(0, |power| MAX_AMOUNT_MINOR / power);
            if (1..=most).contains(&value) {
                0
            } else {
                AMOUNT_RANGE
            }
        }
    }
}

/// All digits as one number, and how many of them are decimals.
fn parse_amount(amount: &[u8]) -> Option<(u64, usize)> {
    if amount.len() > MAX_AMOUNT_DIGITS + 1 {
        return None; // The number of what is left fits 64 bits.
    }
    let (mut value, mut point) = (0, None);
    for (i, &byte) in amount.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = 10 * value + u64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    let (whole, decimals) = match point {
        None => (amount.len(), 0),
        Some(whole) => (whole, amount.len() - whole - 1),
    };
    let in_form = whole > 0
        && whole + decimals <= MAX_AMOUNT_DIGITS
        && (point.is_none() || (1..=MAX_FRACTION_DIGITS).contains(&decimals));
    in_form.then_some((value, decimals))
}

fn judge_id(id: &[u8]) -> u32 {
    if (1..=MAX_ID).contains(&id.len()) && all_are(id, IDENTIFIER) {
        0
    } else {
        ID_FORMAT
    }
}

#[cfg(test)]
mod tests;
