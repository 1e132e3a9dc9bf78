//! A test of an endpoint whose base URL is wrong: the engine asks a real server, the window shows what it says.

use tokenscope::{
    desktop::view::ViewId,
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    engine::{Command, EndpointCommand, TestStep, ask_in_steps},
};

use super::{click, open_view, scenes, shows};
use crate::{
    engine::Driven,
    fault_server::{read_request, send, serve, whole},
    painted,
};

/// What the engine tells of an endpoint at a server that has its list at this path alone.
fn tested(list: &'static str) -> (Vec<TestStep>, String) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(serve(move |mut stream, _| async move {
        while let Some((head, _)) = read_request(&mut stream).await {
            let path = head.split(' ').nth(1).unwrap_or_default();
            let answer = if path == list {
                let head = "content-type: application/json\r\n";
                whole(
                    "200 OK",
                    head,
                    r#"{"object":"list","data":[{"id":"m","object":"model"}]}"#,
                )
            } else {
                whole("404 Not Found", "", "nothing here")
            };
            send(&mut stream, answer).await;
        }
    }));
    let driven = Driven::new("");
    let url = format!("{}openai/v1", server.url());
    let endpoint = Endpoint {
        auth: Auth::None,
        ..Endpoint::custom("deepseek", url.parse().unwrap(), DialectId::OpenaiChat)
    };
    let (steps, mut told) = ask_in_steps();
    let endpoint = Box::new(endpoint);
    let test = EndpointCommand::Test { endpoint, steps };
    driven.engine.send(Command::Endpoint(test));
    let steps = std::iter::from_fn(|| told.wait()).collect();
    (steps, server.url())
}

#[test]
fn a_404_is_a_doubt_that_names_what_was_asked_and_what_else_was_tried() {
    for (list, advice) in [
        ("/openai/models", "Is its base URL {}openai?"),
        (
            "/nowhere",
            "If the base URL is right, the server has no list",
        ),
    ] {
        let (steps, url) = tested(list);
        let (mut desktop, mut player) = open_view(ViewId::Settings, scenes::filled());
        player.test_steps = steps;
        click(&mut desktop, &mut player, "Test deepseek");
        let told = format!("HTTP 404 at {url}openai/v1/models; also tried {url}openai/models");
        assert!(shows(&desktop, &told), "{told}");
        let advice = advice.replace("{}", &url);
        assert!(shows(&desktop, &advice), "{advice}");
        let warn = tokenscope::desktop::theme::DARK.warn;
        assert_eq!(painted::text_colors(&desktop, &told), [warn], "amber");
    }
}
