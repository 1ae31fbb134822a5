use serde_json::Value;

use super::nearest;
use crate::testing::{Random, list, vectors};

fn find(points: &[[f64; 3]], places: &[[f64; 3]], threads: usize) -> (Vec<i32>, Vec<f64>) {
    let (mut rows, mut squares) = (vec![0; points.len()], vec![0.0; points.len()]);
    nearest(points, places, threads, &mut rows, &mut squares);
    (rows, squares)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn triples(value: &Value) -> Vec<[f64; 3]> {
    let triples = list(value).iter();
    triples
        .map(|t| [0, 1, 2].map(|axis| number(&t[axis])))
        .collect()
}

#[test]
fn the_vectors_that_all_engines_share() {
    for vector in vectors("nearest") {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let (rows, squares) = find(&triples(&input["points"]), &triples(&input["places"]), 1);
        let due: Vec<_> = list(&expected["rows"])
            .iter()
            .map(|v| number(v) as i32)
            .collect();
        assert_eq!(rows, due, "{}", vector["id"]);
        let due: Vec<_> = list(&expected["squares"]).iter().map(number).collect();
        assert_eq!(squares, due, "{}", vector["id"]);
    }
}

#[test]
fn without_places_there_is_none() {
    assert_eq!(find(&[[1.0; 3]], &[], 1), (vec![-1], vec![f64::INFINITY]));
}

#[test]
fn threads_find_the_same() {
    let mut random = Random(7);
    let mut draw = |n| -> Vec<[f64; 3]> {
        let coordinate = |random: &mut Random| random.below(1 << 20) as f64 / 1e6;
        (0..n)
            .map(|_| [0; 3].map(|_| coordinate(&mut random)))
            .collect()
    };
    let (points, places) = (draw(1001), draw(1000));
    let one = find(&points, &places, 1);
    for threads in [2, 3, 64] {
        assert_eq!(find(&points, &places, threads), one);
    }
}
