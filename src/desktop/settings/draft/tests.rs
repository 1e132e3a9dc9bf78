//! What is typed, as an endpoint and back.

use super::*;
use crate::credential::AccountKind;

fn draft() -> EndpointDraft {
    let url = "https://api.example.com/v1".parse().unwrap();
    let mut endpoint = Endpoint::custom("custom", url, DialectId::OpenaiChat);
    endpoint.headers = [("X-Team".to_owned(), "a".to_owned())].into();
    endpoint.models = vec!["m1".into(), "m2".into()];
    endpoint.connect.proxy = Some("socks5://10.0.0.1:1080".into());
    EndpointDraft::of(&endpoint, false)
}

fn problem(change: impl Fn(&mut EndpointDraft)) -> Option<Field> {
    let mut draft = draft();
    change(&mut draft);
    let problems = draft.endpoint(&Settings::default()).err()?;
    problems.keys().next().copied()
}

#[test]
fn what_is_not_touched_comes_back_as_it_was() {
    let draft = draft();
    let endpoint = draft.endpoint(&Settings::default()).unwrap();
    assert_eq!(endpoint, draft.base);
    assert_eq!(EndpointDraft::of(&endpoint, false), draft);
}

#[test]
fn each_field_says_what_is_wrong_with_it() {
    assert_eq!(problem(|_| ()), None);
    assert_eq!(problem(|d| d.id = "a/b".into()), Some(Field::Id));
    assert_eq!(problem(|d| d.id = "  ".into()), Some(Field::Id));
    assert_eq!(problem(|d| d.url = "ftp://x".into()), Some(Field::Url));
    assert_eq!(problem(|d| d.url = String::new()), Some(Field::Url));
    assert_eq!(
        problem(|d| d.auth = AuthKind::Header),
        Some(Field::AuthHeader)
    );
    assert_eq!(
        problem(|d| d.proxy = "10.0.0.1:1080".into()),
        Some(Field::Proxy)
    );
    assert_eq!(
        problem(|d| d.proxy = "ftp://p:1".into()),
        Some(Field::Proxy)
    );
    assert_eq!(
        problem(|d| d.headers.push(("a b".into(), "x".into()))),
        Some(Field::Headers)
    );
    assert_eq!(
        problem(|d| d.limits[1] = "1.5 s".into()),
        Some(Field::Timeouts)
    );
}

#[test]
fn a_proxy_password_is_refused_and_not_repeated() {
    let mut draft = draft();
    draft.proxy = "http://ada:hunter2@proxy:3128".into();
    let problems = draft.endpoint(&Settings::default()).unwrap_err();
    assert!(!problems[&Field::Proxy].contains("hunter2"));
}

#[test]
fn an_id_is_taken_only_by_another_endpoint() {
    let mut draft = draft();
    let settings = Settings {
        endpoints: vec![draft.base.clone()],
        ..Settings::default()
    };
    assert!(draft.endpoint(&settings).is_ok());
    draft.old_id = None;
    assert!(
        draft
            .endpoint(&settings)
            .unwrap_err()
            .contains_key(&Field::Id)
    );
}

#[test]
fn an_account_brings_its_project_along_where_none_is() {
    let account = Account {
        kind: AccountKind::Service,
        email: None,
        project: Some("p-1".into()),
    };
    let url = |project| {
        format!("https://eu-aiplatform.googleapis.com/v1/projects/{project}/locations/eu")
    };
    let mut draft = draft();
    draft.url = url("PROJECT");
    assert!(!draft.takes_account(), "another dialect");
    draft.set_dialect(DialectId::Gemini);
    draft.key_command = "google:adc".into();
    assert!(draft.takes_account());
    let problems = draft.endpoint(&Settings::default()).unwrap_err();
    assert!(problems[&Field::Url].starts_with("The project is missing"));
    draft.take_account(&account);
    assert_eq!(draft.url, url("p-1"));
    let endpoint = draft.endpoint(&Settings::default()).unwrap();
    assert_eq!(
        (endpoint.auth, endpoint.key_command),
        (Auth::Bearer, vec![])
    );
    draft.url = url("mine");
    draft.take_account(&account);
    assert_eq!(draft.url, url("mine"), "what is filled in stays");
}

#[test]
fn lists_are_read_line_by_line() {
    let mut draft = draft();
    draft.models = " a \n\nb\n".into();
    draft.key_command = "pass\nshow\nmy key".into();
    draft.key_env = "A_KEY, B_KEY".into();
    let endpoint = draft.endpoint(&Settings::default()).unwrap();
    assert_eq!(endpoint.models, ["a", "b"]);
    assert_eq!(endpoint.key_command, ["pass", "show", "my key"]);
    assert_eq!(endpoint.key_env, ["A_KEY", "B_KEY"]);
}
