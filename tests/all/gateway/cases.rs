//! Thirty-seven cases that gateways were seen to get wrong: a row for each, with what must happen and a check of it.
//!
//! Each check goes through a running gateway, between a client that sends JSON and a target that answers as a script
//! says, unless its row says otherwise. Between two of one protocol bytes are passed on as they are, which is tested with
//! that.

mod beside;
mod client;
mod counts;
mod ends;
mod media;
mod requests;
mod rig;
mod signatures;
mod streams;
mod turns;

use std::{future::Future, pin::Pin};

type Check = fn() -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// A case: its number, what must happen, and a check of that.
type CaseRow = (u8, &'static str, Check);

/// Rows, each with its check by name.
macro_rules! rows {
    ($($number:literal $what:literal $check:path),* $(,)?) => {
        &[$(($number, $what, || Box::pin($check()))),*]
    };
}

const CASES: &[CaseRow] = rows! {
    1 "A thought signature comes back through a client of each protocol that drops unknown fields, by REST and by gRPC, \
       over three turns with parallel calls." signatures::comes_back,
    2 "It travels in the call's id and in `extra_content`; whichever is left gives the same bytes and the call's own id."
       signatures::whichever_is_left,
    3 "Calls without a signature get Google's own stand-in: the first of a step only, and only for models that want it."
       signatures::stand_in,
    4 "The indexes of parallel calls run on across chunks." signatures::indexes_run_on,
    5 "Ids of calls are unique across turns, where the target gives none." signatures::unique_ids,
    6 "The results of a step are one content of the user, in the order of their calls, without text beside them."
       turns::results_in_order,
    7 "A call whose arguments are not JSON keeps its place, and its result with it." turns::malformed_arguments,
    8 "An answer with calls ends for them, even where the reason comes in a later chunk." ends::calls_before_the_reason,
    9 "The reason to end is told once, at the end, whatever the chunks before say." ends::told_once,
    10 "An answer that ended well with thoughts alone, without a reason to end, is whole." ends::thoughts_alone,
    11 "An answer in one piece has its reason to end." ends::in_one_piece,
    12 "What a filter stopped is told as that, in the stream and in one piece; so is a blocked prompt." ends::filters,
    13 "A malformed call is told by its own word, never as a good end." ends::malformed_call,
    14 "Characters, events and lines may be split anywhere; an answer may be an array; an error may be plain JSON."
       streams::split_anywhere,
    15 "A stream that breaks off is an error, and no end mark is made up." streams::breaks_off,
    16 "An error in a response of success is a status before the first piece, and one error in the stream after it. (That \
       another target is asked in the first case is routing, which is tested with the routes.)" streams::error_inside,
    17 "Token counts come once, in the last chunk, and only where they are asked for; Gemini's are cumulative."
       counts::once_and_last,
    18 "The output counts thoughts with the text; cached tokens are a part of the prompt." counts::thoughts_and_cache,
    19 "Anthropic's counts are cumulative: the last ones hold, and some targets have them at the end only."
       counts::cumulative,
    20 "A schema arrives with every keyword, in a field that takes JSON schemas as they are: nothing need be inlined."
       requests::schemas,
    21 "Fields of OpenAI's own are not sent on, and those with a place elsewhere go there." requests::unknown_fields,
    22 "A schema of the answer beside functions is sent; where the model refuses both, its own words reach the client."
       requests::schema_beside_tools,
    23 "A system prompt alone, empty texts and answers, runs of one role and an answer at the end make a valid request."
       turns::odd_conversations,
    24 "Files keep their type, which comes from their data; `gs://` has a type; documents, sound and films are sent."
       media::files,
    25 "More than one answer is refused, and a second candidate is not mixed into the first." requests::one_answer,
    26 "Stop strings come as one or as a list, and blank ones are left out for Anthropic, which is said."
       requests::stop_strings,
    27 "A limit is known by its status or code, never by digits in a message." streams::limits_by_code,
    28 "How long to wait is told as `Retry-After` where Google says it in the error's body. (Failover is routing.)"
       streams::retry_after,
    29 "A call without arguments has an empty object, and its type is told once." turns::no_arguments,
    30 "Thinking that is only signed, or redacted, goes back in its place." turns::thinking_in_place,
    31 "Empty texts are not sent, and results stand right behind their calls." turns::no_empty_texts,
    32 "An answer of text and calls ends for the calls." ends::text_and_calls,
    33 "The first piece has the role, and a ping keeps the client's stream open." streams::role_and_pings,
    34 "Effort is a level for Gemini 3 and a budget for 2.5." requests::effort,
    35 "A piece is sent on when it comes." streams::at_once,
    36 "Vertex AI's global, multi-regional and regional hosts are asked by their own paths. (Of the dialects alone.)"
       requests::hosts,
    37 "Log probabilities are refused by name where they can't be had, and switched off they are no obstacle."
       requests::log_probabilities,
};

#[tokio::test]
async fn every_case_is_got_right() {
    let numbers: Vec<u8> = CASES.iter().map(|(number, ..)| *number).collect();
    let all: Vec<u8> = (1..=37).collect();
    assert_eq!(numbers, all);
    let mut wrong = Vec::new();
    for (number, what, check) in CASES {
        if let Err(error) = tokio::spawn(check()).await {
            let panic = error.into_panic();
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
            wrong.push(format!(
                "case {number}: {what}\n   {}",
                why.unwrap_or_default()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
