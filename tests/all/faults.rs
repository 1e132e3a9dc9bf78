//! The fault list of the project's design: each of its rows as a row of one table, against a server that commits the
//! fault on a real socket, in every dialect that can meet it, cold and warm.
//!
//! `script` is what a server does, `voice` what it says in a dialect, `place` where a run goes; `rows` is the table and
//! `check` does a row.
//! What is a matter of another process or of the machine is proved elsewhere, and its row names the test.

mod check;
mod elsewhere;
mod network;
mod place;
mod rows;
mod script;
mod seen;
mod unlisted;
mod voice;

pub use self::rows::{Ends, table};

macro_rules! each_row {
    ($($test:ident: $number:literal,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                check::row($number).await;
            }
        )+
        /// The rows that a test does.
        const TESTED: &[u8] = &[$($number),+];
    };
}

#[rustfmt::skip]
each_row! {
    f01: 1, f02: 2, f04: 4, f05: 5, f06: 6, f07: 7, f08: 8, f09: 9, f10: 10, f11: 11, f12: 12, f13: 13, f14: 14,
    f15: 15, f16: 16, f17: 17, f18: 18, f19: 19, f20: 20, f21: 21, f22: 22, f23: 23, f24: 24, f25: 25, f26: 26,
    f27: 27, f28: 28, f29: 29, f30: 30, f31: 31, f32: 32, f33: 33, f34: 34, f35: 35, f48: 48,
}

#[test]
fn each_row_of_the_list_is_in_the_table_and_is_proved() {
    let numbers: Vec<u8> = table().iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=48).collect::<Vec<u8>>());
    for row in table() {
        let tested = TESTED.contains(&row.number);
        assert_eq!(tested, !row.cases.is_empty(), "row {}", row.number);
        assert!(tested || !row.proved_by.is_empty(), "row {}", row.number);
    }
}
