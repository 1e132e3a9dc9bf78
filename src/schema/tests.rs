use proptest::prelude::*;
use serde_json::json;

use super::*;

const NO_TYPE: &str = "is no type: use string, number, integer, boolean, array, object or null";
const DRAFT_7: &str = "http://json-schema.org/draft-07/schema#";

fn told(problems: &[SchemaProblem]) -> Vec<String> {
    problems.iter().map(SchemaProblem::to_string).collect()
}

/// A tree of sums and products, in which each level of a wrong one could be looked at twice.
fn expression() -> Value {
    let pair = |word: &str| {
        json!({
            "type": "object",
            "properties": {
                "op": {"const": word},
                "left": {"$ref": "#/$defs/expression"},
                "right": {"$ref": "#/$defs/expression"},
            },
            "required": ["op", "left", "right"],
        })
    };
    let shapes = json!([pair("add"), pair("multiply"), {"type": "number"}]);
    json!({
        "$ref": "#/$defs/expression",
        "$defs": {"expression": {"anyOf": shapes}},
    })
}

#[test]
#[rustfmt::skip]
fn bad_schemas_say_where_and_what_to_do() {
    let cases = [
        (json!({"properties": {"age": {"type": "strng"}}}), "/properties/age/type", NO_TYPE),
        (json!({"type": ["string", "nul"]}), "/type/1", NO_TYPE),
        (json!({"type": 5}), "/type", NO_TYPE),
        (json!({"type": []}), "/type", "at least one type"),
        (json!({"type": "STRING"}), "/type", "“STRING”"),
        (json!({"properties": {"type": "string"}}), "/properties/type", "a schema is needed here"),
        (json!({"properties": ["a"]}), "/properties", "a schema for each name"),
        (json!({"properties": {"a": {"required": true}}}), "/properties/a/required", "in the object around"),
        (json!({"required": [1]}), "/required/0", "a string is needed"),
        (json!({"required": ["a", "a"]}), "/required", "twice"),
        (json!({"items": 5}), "/items", "a schema is needed here"),
        (json!({"items": [{}]}), "/items", "prefixItems"),
        (json!({"minLength": -1}), "/minLength", "whole number"),
        (json!({"minLength": "a"}), "/minLength", "whole number"),
        (json!({"maximum": "9"}), "/maximum", "make it a number"),
        (json!({"multipleOf": 0}), "/multipleOf", "more than 0"),
        (json!({"enum": "a"}), "/enum", "a list of values"),
        (json!({"anyOf": []}), "/anyOf", "at least 1 item"),
        (json!({"anyOf": {"a": 1}}), "/anyOf", "a list of schemas"),
        (json!({"anyOf": [3]}), "/anyOf/0", "a schema is needed here"),
        (json!({"additionalProperties": "no"}), "/additionalProperties", "true or false"),
        (json!({"uniqueItems": "yes"}), "/uniqueItems", "true or false"),
        (json!({"title": 1}), "/title", "a string"),
        (json!({"properties": {"a": {"pattern": "("}}}), "/properties/a/pattern", "no regular expression"),
        (json!({"$ref": "#/$defs/a"}), "/$ref", "leads nowhere"),
        (json!({"$ref": "#a"}), "/$ref", "leads nowhere"),
        (json!({"$defs": {"a/b": {}}, "items": {"$ref": "#/$defs/b"}}), "/items/$ref", "use “#/$defs/a~1b”"),
        (json!({"$ref": "https://example.com/x"}), "/$ref", "is not fetched"),
        (json!({"$ref": "file:///etc/hostname"}), "/$ref", "is not fetched"),
        (json!({"$id": "https://example.com/x", "$ref": "y"}), "", "“https://example.com/y” is not fetched"),
        (json!({"properties": {"a": {}}, "required": ["a", "b"]}), "/required/1", "“b” is not among the properties"),
        (json!({"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}, "required": ["a", "c"]}]}), "/anyOf/0/required/1", "“c”"),
        (json!({"$schema": "http://example.com/x"}), "/$schema", "no known draft"),
        (json!({"$schema": 4}), "/$schema", "a string"),
        (json!({"$schema": DRAFT_7, "items": {"items": {"type": "strng"}}}), "/items/items/type", NO_TYPE),
        (json!({"$schema": DRAFT_7, "items": [{"type": "strng"}]}), "/items/0/type", NO_TYPE),
        (json!([1]), "", "an object"),
    ];
    for (schema, pointer, words) in cases {
        let found = problems(&schema);
        assert_eq!(found.len(), 1, "{schema} {found:?}");
        assert_eq!(found[0].pointer, pointer, "{schema}");
        assert!(found[0].what.contains(words), "{schema} {}", found[0]);
        assert!(!found[0].what.ends_with('.'), "{}", found[0]);
    }
}

#[test]
fn every_problem_is_told() {
    let schema =
        json!({"properties": {"a": {"type": "x"}, "b": {"$ref": "#/c"}}, "required": ["c"]});
    let places: Vec<_> = problems(&schema).into_iter().map(|p| p.pointer).collect();
    assert_eq!(
        places,
        ["/properties/a/type", "/required/0", "/properties/b/$ref"]
    );
}

#[test]
fn good_schemas_have_no_problems() {
    for schema in [
        json!({}),
        json!(true),
        json!({"type": ["string", "null"], "pattern": "^(?=a)b$", "format": "date"}),
        json!({"type": "object", "required": ["a"]}),
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"properties": {"next": {"$ref": "#"}}}),
        json!({"$defs": {"a": {"$anchor": "b"}}, "$ref": "#b"}),
        json!({"$defs": {"a b": {}}, "$ref": "#/$defs/a%20b"}),
        json!({"$ref": "https://json-schema.org/draft/2020-12/schema"}),
        json!({"$schema": DRAFT_7, "items": [{"type": "string"}], "definitions": {"x": {}}}),
        // Names of properties that look like keywords, and values that look like schemas.
        json!({"properties": {"$ref": {"type": "string"}, "type": {"type": "string"}}}),
        json!({"enum": [{"$ref": "#/nowhere", "type": "x"}], "default": {"type": "y"}}),
        // Properties that are told elsewhere.
        json!({"properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}], "required": ["b"]}),
        json!({"properties": {"a": {}}, "additionalProperties": {}, "required": ["b"]}),
        json!({"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}, "required": ["a", "b"]}]}),
        json!({"properties": {"a": {}}, "if": {"properties": {"b": {}}, "required": ["c"]}}),
        expression(),
    ] {
        assert_eq!(problems(&schema), [], "{schema}");
    }
}

#[test]
fn strict_mode_wants_closed_objects_with_all_names_required() {
    let good = json!({
        "type": "object",
        "properties": {"a": {"type": ["object", "null"], "additionalProperties": false}},
        "required": ["a"],
        "additionalProperties": false,
    });
    assert_eq!(strict_notes(&good), []);
    let list = json!({"type": "array", "items": {"properties": {"a": {}, "b": {"oneOf": []}}, "required": ["a"]}});
    assert_eq!(
        told(&strict_notes(&list)),
        [
            "strict mode wants “type”: “object” at the root: put other shapes under a property",
            "at /items: strict mode wants “additionalProperties”: false",
            "at /items: strict mode wants “b” in “required”; one that may be absent is given the type null, too",
            "at /items/properties/b: strict mode takes no “oneOf”: use “anyOf”",
        ]
    );
    let either = json!({"anyOf": [good, {"type": "null"}]});
    assert_eq!(
        told(&strict_notes(&either)),
        ["strict mode takes no “anyOf” at the root: put it under a property"]
    );
}

#[test]
#[rustfmt::skip]
fn misfits_say_where_and_what() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2, "pattern": "^[a-z]+$"},
            "age": {"type": "integer", "minimum": 0},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": ["string", "null"]}, "uniqueItems": true, "maxItems": 2},
            "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
        },
        "required": ["name"],
        "additionalProperties": false,
    });
    let cases: [(&str, &[&str]); 15] = [
        ("", &["the answer is empty"]),
        ("hello", &["the answer is not JSON: line 1, column 1: expected value"]),
        ("{\"name\":", &["the answer is not JSON: line 1, column 8: EOF while parsing a value"]),
        ("[]", &["an array stands here, an object is needed"]),
        ("{}", &["“name” is missing"]),
        (r#"{"name": 3}"#, &["at /name: 3 is a number, a string is needed"]),
        (r#"{"name": "a"}"#, &["at /name: “a” is shorter than 2 characters"]),
        (r#"{"name": "A1"}"#, &["at /name: “A1” does not match “^[a-z]+$”"]),
        (r#"{"name": "aa", "age": -1}"#, &["at /age: -1 is less than 0"]),
        (r#"{"name": "aa", "kind": "c"}"#, &["at /kind: “c” is not “a” or “b”"]),
        (r#"{"name": "aa", "x": 1, "y": 2}"#, &["“x”, “y” are not among the properties"]),
        (r#"{"name": "aa", "tags": ["a", 1]}"#, &["at /tags/1: 1 is a number, null or a string is needed"]),
        (r#"{"name": "aa", "tags": ["a", "a"]}"#, &["at /tags: an item stands here twice"]),
        (r#"{"name": "aa", "next": {"name": "bb", "next": {"name": true}}}"#, &["at /next/next/name: true is a boolean, a string is needed"]),
        (r#"{"name": "aa", "next": 3}"#, &["at /next: 3 fits none of the shapes under “anyOf”"]),
    ];
    for (answer, expected) in cases {
        assert_eq!(told(&validation_errors(&schema, answer)), expected, "{answer}");
    }
    assert_eq!(validation_errors(&schema, r#"{"name": "aa", "next": null, "tags": [null]}"#), []);
}

#[test]
fn five_misfits_are_told_at_most_and_long_texts_are_cut() {
    let schema = json!({"items": {"type": "integer"}});
    let answer = json!(vec!["ab\n".repeat(90); 9]).to_string();
    let found = validation_errors(&schema, &answer);
    assert_eq!(found.len(), 5);
    assert!(found[0].what.chars().count() < 110, "{}", found[0]);
    assert!(!found[0].what.contains('\n'));
}

#[test]
fn nothing_is_said_of_an_answer_to_a_wrong_schema() {
    for schema in [
        json!({"type": "strng"}),
        json!({"$ref": "https://example.com/x"}),
        json!({"$schema": "x"}),
        json!(5),
    ] {
        assert_eq!(validation_errors(&schema, "{}"), [], "{schema}");
    }
    assert_eq!(
        validation_errors(&json!({}), "x").len(),
        1,
        "but of no JSON"
    );
}

#[test]
fn what_could_take_long_ends() {
    // Without a limit these would go on for years.
    let mut tree = json!("x");
    for _ in 0..60 {
        tree = json!({"op": "add", "left": tree, "right": 1});
    }
    let tree = tree.to_string();
    assert_eq!(
        validation_errors(&expression(), &tree),
        [],
        "it can't be told soon"
    );
    let mut names = serde_json::Map::new();
    for step in 0..60 {
        let next = json!({"$ref": format!("#/$defs/{}", step + 1)});
        names.insert(step.to_string(), json!({"allOf": [next, next]}));
    }
    names.insert("60".into(), json!({"type": "string"}));
    let doubling = json!({"$ref": "#/$defs/0", "$defs": names});
    assert_eq!(problems(&doubling), []);
    assert_eq!(
        validation_errors(&doubling, "5"),
        [],
        "it can't be told soon"
    );
    for schema in [
        json!({"$ref": "#"}),
        json!({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
    ] {
        assert_eq!(validation_errors(&schema, "5"), [], "{schema}");
    }
    let text = json!(format!("{}b", "a".repeat(5000))).to_string();
    for pattern in ["^(a+)+$", "^(?=a)(a+)+$"] {
        let _ = validation_errors(&json!({"pattern": pattern}), &text);
    }
}

#[test]
fn a_tree_of_modest_size_is_told_of() {
    let answer = r#"{"op": "add", "left": 1, "right": {"op": "add", "left": "x", "right": 2}}"#;
    let found = validation_errors(&expression(), answer);
    assert_eq!(
        told(&found),
        ["at /right/left: “x” fits none of the shapes under “anyOf”"]
    );
}

/// JSON of words that schemas are made of.
fn some_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "$defs",
        "$id",
        "$ref",
        "#",
        "#/properties/a",
        "#/$defs/a",
        "a",
        "allOf",
        "anyOf",
        "enum",
        "items",
        "not",
        "object",
        "oneOf",
        "pattern",
        "properties",
        "required",
        "string",
        "type",
        "unevaluatedProperties",
    ]);
    let leaf = prop_oneof![
        words.clone().prop_map(|word| json!(word)),
        any::<i8>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let entry = (words.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            prop::collection::vec(entry, 0..4)
                .prop_map(|all| all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics(schema in some_json(), answer in some_json()) {
        let _ = problems(&schema);
        let _ = strict_notes(&schema);
        prop_assert!(validation_errors(&schema, &answer.to_string()).len() <= 5);
    }
}
