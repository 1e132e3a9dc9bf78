use std::collections::BTreeSet;

use super::*;
use crate::bench::RequestSource as _;

fn error(text: &str) -> String {
    PromptSet::of_json("p.jsonl", text, Turns::Each)
        .unwrap_err()
        .to_string()
}

fn source(set: PromptSet) -> PromptSource {
    PromptSource {
        model: "m".into(),
        set: Arc::new(set),
        order: PromptOrder::InOrder,
        seed: 1,
        max_tokens: 64,
        nonce: None,
    }
}

/// The system instruction, texts and most tokens of each request, in order.
fn asked(set: &PromptSet) -> Vec<(Option<String>, Vec<String>, u32)> {
    let source = source(set.clone());
    let questions = (0..set.len() as u64).map(|number| source.question(number));
    let asked = questions.enumerate().map(|(index, question)| {
        assert_eq!(question.prompt as usize, index);
        let request = &question.request;
        let texts = request.messages.iter().map(Message::text).collect();
        (
            request.system.clone(),
            texts,
            request.params.max_tokens.unwrap(),
        )
    });
    asked.collect()
}

fn texts(text: &str, turns: Turns) -> Vec<Vec<String>> {
    let set = PromptSet::of_json("p", text, turns).unwrap();
    asked(&set).into_iter().map(|(_, texts, _)| texts).collect()
}

const SHARE_GPT: &str = r#"[
  {"id": "a", "conversations": [
    {"from": "human", "value": "one"}, {"from": "gpt", "value": "two words"},
    {"from": "human", "value": "three"}, {"from": "gpt", "value": "four"}]},
  {"id": "b", "conversations": []},
  {"id": "c", "conversations": [
    {"from": "gpt", "value": "as I said"}, {"from": "human", "value": "five"}]}
]"#;

#[test]
fn each_line_is_a_prompt() {
    let set = PromptSet::of_lines("p.txt", "one\n\n  two {\"x\"} \r\n").unwrap();
    let expected = |text: &str| (None, vec![text.to_owned()], 64);
    assert_eq!(asked(&set), [expected("one"), expected("two {\"x\"}")]);
    let error = PromptSet::of_lines("p.txt", "\n \n").unwrap_err();
    assert_eq!(error.to_string(), "p.txt holds no prompt");
}

#[test]
fn json_lines_hold_prompts_and_chats() {
    let text = r#""just a text"
{"prompt": "one", "max_tokens": 7}

{"text": "two", "output_tokens": 9, "system": "be short"}
{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "three"}]}], "max_tokens": null}
"#;
    let set = PromptSet::of_json("p.jsonl", text, Turns::Each).unwrap();
    let request = |system: Option<&str>, text: &str, most| {
        (system.map(Into::into), vec![text.to_owned()], most)
    };
    let expected = [
        request(None, "just a text", 64),
        request(None, "one", 7),
        request(Some("be short"), "two", 9),
        request(Some("s"), "three", 64),
    ];
    assert_eq!(asked(&set), expected);
}

#[test]
fn a_conversation_gives_the_turns_that_were_asked_for() {
    let [one, three] = [vec!["one"], vec!["one", "two words", "three"]];
    let five = vec!["five"];
    for (turns, expected) in [
        (Turns::First, vec![one.clone(), five.clone()]),
        (Turns::Each, vec![one, three.clone(), five.clone()]),
        (Turns::Last, vec![three, five]),
    ] {
        assert_eq!(texts(SHARE_GPT, turns), expected, "{turns}");
    }
    let set = PromptSet::of_json("p", SHARE_GPT, Turns::Each).unwrap();
    assert_eq!(set.left_out(), 1, "the one without a message");
}

#[test]
fn recorded_answers_say_how_many_tokens_are_asked_for() {
    let mut set = PromptSet::of_json("p", SHARE_GPT, Turns::Each).unwrap();
    set.limit_to_answers(&Tokenizer::shipped(ShippedVocabulary::O200k).unwrap());
    let most: Vec<u32> = asked(&set).into_iter().map(|(_, _, most)| most).collect();
    assert_eq!(most, [2, 1, 64], "the last has no recorded answer");
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (text, expected) in [
        (
            "\"a\"\n\n{\"prompt\": 3}",
            "p.jsonl, line 3: \"prompt\" must be a text",
        ),
        (
            "\"a\"\n{\"prompt\": \"x\"",
            "p.jsonl, line 2: not valid JSON: EOF while parsing an object",
        ),
        (
            "7",
            "p.jsonl, line 1: an entry is a text or an object, not a number",
        ),
        (
            "{\"question\": \"x\"}",
            "p.jsonl, line 1: there is no \"prompt\", \"messages\" or \"conversations\"",
        ),
        (
            "{\"prompt\": \"x\", \"max_tokens\": 0}",
            "p.jsonl, line 1: \"max_tokens\" must be a whole number from 1 to 4,294,967,295",
        ),
        (
            "[\n\"a\",\n{\"messages\": [{\"role\": \"owner\", \"content\": \"x\"}]}]",
            "p.jsonl, line 3: \"owner\" is no role: it must be system, user or assistant (in ShareGPT's form: system, \
             human or gpt)",
        ),
        (
            "[\n\"a\",\n{\"messages\": 1}]",
            "p.jsonl, line 3: \"messages\" must be an array",
        ),
        (
            "[\n\"a\",\n\"b\"",
            "p.jsonl, line 3: not valid JSON: EOF while parsing a list",
        ),
        ("[]", "p.jsonl holds no prompt"),
    ] {
        assert_eq!(error(text), expected);
    }
}

#[test]
fn a_random_order_is_the_seed_s_and_reaches_every_prompt() {
    let set =
        PromptSet::of_lines("p", &"abcdefgh".split("").collect::<Vec<_>>().join("\n")).unwrap();
    let mut random = source(set);
    random.order = PromptOrder::Random;
    let draws = |source: &PromptSource| {
        (0..200)
            .map(|n| source.question(n).prompt)
            .collect::<Vec<_>>()
    };
    let first = draws(&random);
    assert_eq!(first, draws(&random), "the same for the same number");
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 8);
    random.seed = 2;
    assert_ne!(first, draws(&random));
}

#[test]
fn a_nonce_stands_in_front_of_all_that_is_said() {
    let text = r#"{"prompt": "one"}
{"prompt": "two", "system": "s"}"#;
    let mut source = source(PromptSet::of_json("p", text, Turns::Each).unwrap());
    source.nonce = Some(3);
    let mut lines = BTreeSet::new();
    for number in 0..100 {
        let request = source.question(number).request;
        let said = request
            .system
            .clone()
            .unwrap_or_else(|| request.messages[0].text());
        let (line, rest) = said.split_once('\n').unwrap();
        assert!(["one", "s"].contains(&rest), "{rest}");
        assert!(lines.insert(line.to_owned()), "{line} twice");
    }
}

#[test]
fn a_synthetic_prompt_has_exactly_its_tokens() {
    let tokenizer = Tokenizer::shipped(ShippedVocabulary::O200k).unwrap();
    let plan = SyntheticPlan {
        prompts: 50,
        input: Lengths {
            mean: 200,
            deviation: 80,
            least: 10,
            most: 400,
        },
        output: Lengths::all(32),
        seed: 5,
    };
    let made = || SyntheticSource::new(&plan, &tokenizer).unwrap();
    let (source, again) = (made().of_bench("m", 9), made().of_bench("m", 9));
    let (mut lengths, mut beginnings) = (Vec::new(), BTreeSet::new());
    for number in 0..100 {
        let question = source.question(number);
        assert_eq!(question.request, again.question(number).request);
        assert_eq!(question.request.params.max_tokens, Some(32));
        let text = question.request.messages[0].text();
        lengths.push(tokenizer.count(&text));
        assert_eq!(lengths.last(), Some(&text.split_whitespace().count()));
        beginnings.insert(text.split(' ').take(5).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(beginnings.len(), 100, "no two requests begin the same");
    assert_eq!(
        lengths[..50],
        lengths[50..],
        "only the first words of a prompt change"
    );
    assert!(lengths.iter().all(|length| (10..=400).contains(length)));
    let mean = lengths.iter().sum::<usize>() / lengths.len();
    assert!((150..250).contains(&mean), "{mean}");
    assert_eq!(source.most_tokens().input, mean as u64 + 17);
}

#[test]
fn a_vocabulary_file_is_read_and_said_to_be_wrong_by_line() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("v.tiktoken");
    let lines = (0..=u8::MAX).map(|byte| format!("{} {byte}\n", STANDARD.encode([byte])));
    let bytes = lines.collect::<Vec<_>>().concat();
    let cases = [
        (format!("{bytes}{} 256\n", STANDARD.encode("ab")), None),
        (
            "YQ== 0\nb\n".to_owned(),
            Some("line 2: not a token in Base64"),
        ),
        ("YQ== 0\n".to_owned(), Some("not every byte is a token")),
        (
            format!("{bytes}{} 300\n", STANDARD.encode("ab")),
            Some("gaps"),
        ),
    ];
    for (text, wrong) in cases {
        std::fs::write(&path, text).unwrap();
        match (Tokenizer::of_file(&path), wrong) {
            (Ok(tokenizer), None) => assert_eq!(tokenizer.count("abc"), 2),
            (Err(error), Some(wrong)) => assert!(error.to_string().contains(wrong), "{error}"),
            (other, _) => panic!("{other:?}"),
        }
    }
}

#[test]
fn shipped_vocabularies_count_as_tiktoken_does() {
    // By tiktoken 0.14.0 in Python.
    for (vocabulary, counts) in [
        (ShippedVocabulary::O200k, [0, 2, 6, 3, 15]),
        (ShippedVocabulary::Cl100k, [0, 2, 6, 6, 16]),
    ] {
        let tokenizer = Tokenizer::shipped(vocabulary).unwrap();
        let code = "It's 12345 o'clock: def f(x):\n    return x\n";
        let texts = [
            "",
            "hello world",
            "antidisestablishmentarianism",
            "你好,世界",
            code,
        ];
        assert_eq!(
            texts.map(|text| tokenizer.count(text)),
            counts,
            "{vocabulary}"
        );
        assert!(tokenizer.words().len() > 5_000);
    }
}
