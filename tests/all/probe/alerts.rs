//! Alerts: who is told when probes say that a target is slow.

use std::io::Read as _;

use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::fault_server::{read_request, send, serve, whole};

#[cfg(unix)]
#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one course of a probe, from its settings to what was said"
)]
async fn a_slow_target_is_told_to_a_webhook_and_a_program() {
    let home = Home::new();
    let (tell, mut posts) = unbounded_channel();
    let server = serve(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            let Some((head, body)) = read_request(&mut stream).await else {
                return;
            };
            let status = if head.contains("/refused/") {
                "500 Internal Server Error"
            } else {
                "200 OK"
            };
            tell.send((head, body)).unwrap();
            send(&mut stream, whole(status, "", "")).await;
        }
    })
    .await;
    let told = home.paths().data.join("told.json");
    let program = format!("cat > '{}.new' && mv '{0}.new' '{0}'", told.display());
    let url = server.url();
    let url = url.trim_end_matches('/');
    home.write_settings(&format!(
        "[alert.slow]\nabove = 200\nleast = 2\nnotify = false\nwebhook = \"{url}/hook/${{HOOK}}\"\nform = \"slack\"\n\
         command = [\"sh\", \"-c\", {program}]\n\
         [alert.refused]\nabove = 200\nleast = 2\nnotify = false\nwebhook = \"{url}/refused/${{HOOK}}\"\n\
         [alert.never]\nabove = 60000\nwebhook = \"{url}/never\"\n",
        program = json!(program),
    ));
    let hook = canary();
    let mut command = home.tokenscope(["probe", "-t", "simulator/sim-slow-start", "--every", "1s"]);
    command.env("HOOK", &hook).stderr(Stdio::piped());
    let mut probing = Probing::start(command);
    let mut alerts = Vec::new();
    while alerts.len() < 2 {
        let line = probing.line().unwrap();
        assert_no_canary_in(line.to_string().as_bytes(), &hook, "a line");
        if line["type"] == "alert" {
            alerts.push(line);
        }
    }
    for (alert, rule) in alerts.iter().zip(["slow", "refused"]) {
        assert_eq!(
            (&alert["rule"], &alert["fires"]),
            (&json!(rule), &json!(true)),
            "{alert}"
        );
        assert_eq!(
            (&alert["target"], &alert["n"]),
            (&json!("simulator/sim-slow-start"), &json!(2))
        );
        assert!(alert["value"].as_f64().unwrap() > 1_000.0, "{alert}");
    }
    let mut paths = Vec::new();
    for _ in 0..2 {
        let (head, body) = soon("a webhook", posts.recv()).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(
            body["text"].as_str().unwrap().contains("median TTFT is 1"),
            "{body}"
        );
        paths.push(head.split(' ').nth(1).unwrap().to_owned());
    }
    paths.sort();
    let secret: String = hook.chars().take(26).collect();
    for (path, begin) in paths.iter().zip(["hook", "refused"]) {
        assert!(path.starts_with(&format!("/{begin}/{secret}")), "{path}");
    }
    deadline::until_true("the program's file", || told.exists());
    let told: Value = serde_json::from_str(&std::fs::read_to_string(&told).unwrap()).unwrap();
    assert_eq!(
        (&told["rule"], &told["over_minutes"]),
        (&json!("slow"), &json!(15))
    );
    probing.terminate();
    let mut said = String::new();
    probing
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(
        said.contains("the webhook of alert refused failed: 127.0.0.1 answered with status 500"),
        "{said}"
    );
    assert_no_canary_in(said.as_bytes(), &hook, "standard error");
    assert_no_canary(&[home.path()], &hook);
}

#[test]
fn alerts_are_tried_on_the_past() {
    let home = Home::new();
    let none = home.run(&["alerts"], "");
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("[alert.NAME]"), "{}", none.err);
    home.write_settings(
        "[alert.slow]\nabove = 200\nleast = 1\nnotify = false\n[alert.fails]\nfigure = \"error_rate\"\nabove = 0.5\nleast = 1\n",
    );
    for model in ["simulator/sim-slow-start", "simulator/sim-locked"] {
        home.run(&["probe", "--once", "-t", model], "");
    }
    let ran = home.run(&["alerts", "--since", "1h"], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out.contains("slow: would have fired once in 2 probes"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("simulator/sim-locked  and fires since,"),
        "{}",
        ran.out
    );
    let ran = home.run(&["alerts", "--json"], "");
    let rules: Vec<_> = lines(&ran)
        .iter()
        .map(|line| line["rule"].clone())
        .collect();
    assert_eq!(rules, ["slow", "fails"]);

    let words =
        "Probes are kept one by one for 14 days, so this tries no more than 14 days of them";
    assert!(!ran.err.contains(words), "{}", ran.err);
    let ran = home.run(&["alerts", "--since", "30d"], "");
    assert!(ran.err.contains(words), "{}", ran.err);
    assert!(!ran.err.contains("Checks are"), "no rule looks at them");
}

/// The desktop's part that shows notifications.
#[cfg(target_os = "linux")]
struct Notifications(std::sync::Mutex<std::sync::mpsc::Sender<[String; 3]>>);

/// What programs call of it (Desktop Notifications Specification 1.2).
#[cfg(target_os = "linux")]
#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    #[expect(clippy::too_many_arguments, reason = "the specification has eight")]
    fn notify(
        &self,
        app: String,
        replaces: u32,
        icon: String,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: std::collections::HashMap<String, zbus::zvariant::OwnedValue>,
        expires: i32,
    ) -> u32 {
        // Nothing is replaced, and nothing more is asked for than to show it.
        assert!(replaces == 0 && actions.is_empty() && expires < 0);
        drop((icon, actions, hints));
        let told = self.0.lock().unwrap().send([app, summary, body]);
        told.map_or(0, |()| 1)
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs a private D-Bus session"]
fn a_slow_target_is_told_to_the_desktop() {
    let (tell, told) = std::sync::mpsc::channel();
    let desktop = Notifications(tell.into());
    let _desktop = zbus::blocking::connection::Builder::session()
        .and_then(|session| session.name("org.freedesktop.Notifications"))
        .and_then(|session| session.serve_at("/org/freedesktop/Notifications", desktop))
        .and_then(zbus::blocking::connection::Builder::build)
        .expect("the name in the session");
    let home = Home::new();
    home.write_settings("[alert.slow]\nabove = 200\nleast = 1\n");
    let mut command = home.tokenscope(["probe", "-t", "simulator/sim-slow-start", "--every", "1s"]);
    command.env(
        "DBUS_SESSION_BUS_ADDRESS",
        std::env::var_os("DBUS_SESSION_BUS_ADDRESS").unwrap(),
    );
    let _probing = Probing::start(command);
    let [app, summary, body] = deadline::message("the notification", &told);
    assert_eq!(
        (app.as_str(), summary.as_str()),
        ("Tokenscope", "Tokenscope: alert")
    );
    assert!(
        body.starts_with("slow: simulator/sim-slow-start: median TTFT is 1"),
        "{body}"
    );
}
