//! The real window on a real screen: what crosses to the operating system and back.
//!
//! `tests/with-window.sh` brings a screen, a D-Bus session and the accessibility bus.

mod drop;
mod ime;
mod screen;
mod tree;

use tokenscope::simulator::{self, Simulator, SimulatorOptions};

use self::screen::{Screen, asked, copied, fake, offer, until, xdotool};
use crate::home::Home;

/// A user whose two panes ask a model that repeats what it was sent.
struct User {
    home: Home,
    _runtime: tokio::runtime::Runtime,
    _simulator: Simulator,
}

impl User {
    fn new() -> Self {
        Self::asking("sim-echo", 50.0)
    }

    /// A user of another model, which answers so many times as fast as it is said to.
    fn asking(model: &str, speed: f64) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = SimulatorOptions {
            speed,
            ..SimulatorOptions::default()
        };
        let simulator = runtime.block_on(simulator::serve(options)).unwrap();
        let bus = std::env::var("DBUS_SESSION_BUS_ADDRESS").expect("tests/with-window.sh");
        let home = Home::new()
            .with("DBUS_SESSION_BUS_ADDRESS", &bus)
            .with("LLM_BASE_URL", simulator.base_url().as_ref())
            .with("LLM_MODEL", model);
        Self {
            home,
            _runtime: runtime,
            _simulator: simulator,
        }
    }
}

/// Replaces what stands in the composer by what is on the clipboard.
fn paste_over(screen: &Screen, text: &str) {
    offer(text);
    screen.click("entry", "Prompt");
    xdotool(&["key", "ctrl+a", "ctrl+v"]);
    screen.holds("Prompt", text);
}

/// The answers so far, by their copy buttons.
fn answers(screen: &Screen, count: usize) {
    screen.see(&format!("{count} answers"), |parts| {
        let buttons = parts.iter().filter(|p| p.name == "Copy the answer");
        (buttons.count() == count).then_some(())
    });
}

/// Waits until the window has this title.
fn is_named(screen: &Screen, title: &str) {
    until("the title of the window", || {
        let named = asked(&["getwindowname", &screen.id]);
        if named.trim_end() == title {
            Ok(())
        } else {
            Err(named)
        }
    });
}

/// Types a text, so many milliseconds a key.
fn typed<'a>(delay: &'a str, text: &'a str) -> [&'a str; 6] {
    ["type", "--delay", delay, "--args", "1", text]
}

/// Writes something else over the draft by keys, sends it, and begins the next: as fast as this many milliseconds
/// a key.
fn type_and_send(delay: &str, text: &str, next: &str) {
    let mut keys = vec!["key", "ctrl+a"];
    keys.extend(typed(delay, text));
    keys.extend(["key", "--delay", delay, "ctrl+Return"]);
    keys.extend(typed(delay, next));
    xdotool(&keys);
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_text_is_pasted_typed_sent_and_copied_out() {
    let user = User::new();
    let screen = Screen::open(&user.home);
    for (role, name) in [
        ("page tab", "Playground"),
        ("entry", "Title of the conversation"),
        ("button", "Send"),
        ("label", "Head of pane 1"),
        ("label", "Head of pane 2"),
    ] {
        screen.part(role, name);
    }
    paste_over(&screen, "Pasted 中文，");
    xdotool(&["type", "and typed"]);
    screen.holds("Prompt", "Pasted 中文，and typed");
    xdotool(&["key", "ctrl+Return"]);
    answers(&screen, 2);
    screen.holds("Prompt", "");
    is_named(&screen, "Pasted 中文，and typed – Tokenscope");

    screen.click("button", "Copy the answer");
    let answer = copied("Pasted 中文，");
    assert!(
        answer.contains("echo") && answer.contains("Pasted 中文，and typed"),
        "{answer}"
    );
    // The button says so for a moment.
    screen.part("toggle button", "Copy the answer");

    screen.click("button", "More for this turn");
    screen.click("button", "Copy as cURL");
    let curl = copied(&answer);
    assert!(
        curl.starts_with("curl ") && curl.contains("Pasted 中文，and typed"),
        "{curl}"
    );
    screen.see("the toast", |parts| {
        parts
            .iter()
            .find(|p| p.name.starts_with("Copied as cURL"))?;
        Some(())
    });

    xdotool(&["key", "ctrl+shift+c"]);
    assert_eq!(copied(&curl), answer);
    // What is selected in a field is copied by egui itself.
    paste_over(&screen, "of another program");
    xdotool(&["type", "!"]);
    screen.holds("Prompt", "of another program!");
    xdotool(&["key", "ctrl+a", "ctrl+x"]);
    assert_eq!(copied("of another program"), "of another program!");
    screen.holds("Prompt", "");
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_second_start_opens_a_second_window_and_says_so() {
    let user = User::new();
    let says_so = |parts: &[tree::Part]| {
        let said = "Tokenscope is open already";
        parts.iter().any(|part| part.name.starts_with(said))
    };
    let first = Screen::open(&user.home);
    let parts = first.parts().expect("the parts of the window");
    assert!(!says_so(&parts));
    let second = Screen::open(&user.home);
    second.see("that there is another window", |parts| {
        says_so(parts).then_some(())
    });
    drop((first, second));
    let alone = Screen::open(&user.home);
    let parts = alone.parts().expect("the parts of the window");
    assert!(!says_so(&parts));
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn what_is_typed_fast_is_sent_whole() {
    let user = User::new();
    let screen = Screen::open(&user.home);
    screen.click("entry", "Prompt");
    let mut sent = 0;
    for (delay, frozen) in [("12", false), ("12", true), ("3", false), ("0", true)] {
        for round in 0..3 {
            sent += 2;
            let text = format!("first part {sent} {round} and second part");
            if frozen {
                screen.signal("-STOP");
            }
            type_and_send(delay, &text, "for the next");
            if frozen {
                screen.signal("-CONT");
            }
            screen.holds("Prompt", "for the next");
            // Asked by both panes, and repeated by both.
            screen.see(&format!("{text:?} four times"), |parts| {
                let whole = parts.iter().filter(|part| part.name == text);
                (whole.count() == 4).then_some(())
            });
        }
    }
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn what_an_input_method_commits_is_text_among_what_is_typed() {
    let Some(_method) = ime::InputMethod::start() else {
        println!("skipped: fcitx5 is not installed");
        return;
    };
    let mut user = User::new();
    // Without a locale X has no Chinese letters.
    user.home = user
        .home
        .with("XMODIFIERS", "@im=fcitx")
        .with("LC_ALL", "C.UTF-8");
    let screen = Screen::open(&user.home);
    paste_over(&screen, "before ");
    ime::compose();
    let text = format!("before {}", ime::PHRASE);
    screen.holds("Prompt", &text);
    xdotool(&["key", "exclam"]);
    screen.holds("Prompt", &format!("{text}!"));
    xdotool(&["key", "ctrl+Return"]);
    answers(&screen, 2);
    screen.click("button", "Copy the answer");
    let answer = copied("before ");
    assert!(answer.contains(&format!("{text}!")), "{answer}");
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_link_opens_in_the_browser_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let said = fake(folder.path(), "xdg-open");
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let mut user = User::new();
    user.home = user.home.with("PATH", &path);
    let screen = Screen::open(&user.home);
    let address = "https://tokens.example/way?out=1&b=%20";
    paste_over(
        &screen,
        &format!("[no way](file:///etc/passwd) [the way]({address})"),
    );
    xdotool(&["key", "ctrl+Return"]);
    answers(&screen, 2);
    for link in ["no way", "the way"] {
        screen.click("link", link);
    }
    until("the browser", || match std::fs::read_to_string(&said) {
        Ok(opened) if opened == format!("{address}\n") => Ok(()),
        other => Err(other),
    });
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn files_that_are_dropped_are_attached() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("a 图 #1.png");
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbaImage::new(8, 8)
        .write_to(&mut png, image::ImageFormat::Png)
        .unwrap();
    std::fs::write(&image, png.into_inner()).unwrap();
    let notes = folder.path().join("notes.md");
    std::fs::write(&notes, "# Notes").unwrap();

    let user = User::new();
    let screen = Screen::open(&user.home);
    drop::drop_files(screen.id.parse().unwrap(), &[&image, &notes]);
    let removes = |parts: &[tree::Part]| {
        let removes = parts.iter().filter(|part| part.name.starts_with("Remove "));
        (removes.count() == 2).then_some(())
    };
    screen.see("both files in the composer", removes);
    paste_over(&screen, "What is this?");
    xdotool(&["key", "ctrl+Return"]);
    answers(&screen, 2);
    screen.click("button", "Copy the answer");
    let answer = copied("What is this?");
    assert!(answer.contains("[image/png, "), "{answer}");
    assert!(answer.contains("# Notes"), "{answer}");
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn without_a_file_chooser_files_are_attached_by_path() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my notes.md");
    std::fs::write(&file, "# Notes").unwrap();
    let mut user = User::new();
    // As on a machine without zenity; in the test's session no portal begins.
    user.home = user.home.with("PATH", "/nonexistent");
    let screen = Screen::open(&user.home);
    screen.click("button", "Attach files…");
    let paths = screen.part("entry", "Paths of the files");
    assert_eq!(screen.bus.text(&paths).unwrap(), "");
    let missing = folder.path().join("missing.md");
    xdotool(&["type", &format!("{}", missing.display())]);
    screen.holds("Paths of the files", &format!("{}", missing.display()));
    screen.click("button", "Attach");
    screen.see("what is wrong", |parts| {
        parts
            .iter()
            .find(|part| part.role == "label" && part.name.contains("missing.md"))?;
        Some(())
    });
    // What was typed is there to be mended.
    screen.holds("Paths of the files", &format!("{}", missing.display()));
    screen.click("entry", "Paths of the files");
    xdotool(&["key", "ctrl+a", "type", &format!("\"{}\"", file.display())]);
    screen.holds("Paths of the files", &format!("\"{}\"", file.display()));
    screen.click("button", "Attach");
    screen.part("button", "Remove file 1");
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_signal_closes_the_window_and_keeps_the_draft() {
    let user = User::new();
    for (signal, draft) in [("-TERM", "kept by TERM"), ("-INT", "kept by INT")] {
        let screen = Screen::open(&user.home);
        screen.click("entry", "Prompt");
        xdotool(&["key", "ctrl+a", "type", draft]);
        screen.holds("Prompt", draft);
        screen.signal(signal);
        let status = screen.ended();
        assert!(status.success(), "{signal}: {status}");
        let again = Screen::open(&user.home);
        again.holds("Prompt", draft);
    }
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn the_first_window_leaves_room_for_its_title_bar() {
    let user = User::new();
    let screen = Screen::open(&user.home);
    let shell = asked(&["getwindowgeometry", "--shell", &screen.id]);
    let value = |name: &str| -> u32 {
        let line = shell.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("{name} in {shell}"))
    };
    // The screen has 1280 × 800.
    let (width, height) = (value("WIDTH="), value("HEIGHT="));
    assert!(width <= 1270 && height <= 750, "{width} × {height}");
}

/// Sends a text from this window, and waits until both panes have asked and repeated it.
fn ask(screen: &Screen, text: &str) {
    screen.focus();
    paste_over(screen, text);
    xdotool(&["key", "ctrl+Return"]);
    echoed(screen, text);
}

/// Waits until both panes have a question and its echo, and no answer is under way in another window: nothing can be
/// asked until then.
fn echoed(screen: &Screen, text: &str) {
    screen.see(&format!("{text:?} four times"), |parts| {
        let named = |name: &str| parts.iter().filter(|part| part.name == name).count();
        (named(text) == 4 && named("Runs in another window") == 0).then_some(())
    });
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn two_windows_on_one_conversation_lose_no_turn() {
    let user = User::new();
    let one = Screen::open(&user.home);
    ask(&one, "from one, alone");
    let two = Screen::open(&user.home);
    let mut asked = vec!["from one, alone".to_owned()];
    for round in 0..3 {
        for (screen, name) in [(&one, "one"), (&two, "two")] {
            let text = format!("from {name}, {round}");
            // A window that is covered may not draw.
            screen.focus();
            echoed(screen, &asked[asked.len() - 1]);
            ask(screen, &text);
            asked.push(text);
        }
    }
    for screen in [one, two] {
        screen.signal("-TERM");
        assert!(screen.ended().success());
    }
    let again = Screen::open(&user.home);
    for pane in ["More for pane 1", "More for pane 2"] {
        offer("nothing yet");
        again.click("button", pane);
        again.click("button", "Copy the conversation as Markdown");
        let kept = copied("nothing yet");
        for text in &asked {
            assert!(kept.contains(text), "{text:?} is not in {pane}: {kept}");
        }
    }
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_window_closed_while_answers_come_says_what_it_waits_for_and_keeps_them() {
    let user = User::asking("sim-steady", 0.2);
    let screen = Screen::open(&user.home);
    paste_over(&screen, "Take your time");
    xdotool(&["key", "ctrl+Return"]);
    screen.part("button", "Stop all");
    answers(&screen, 2);
    // Another program is at the history, and takes its time.
    let file = user.home.paths().data.join("history.db");
    let other = rusqlite::Connection::open(&file).unwrap();
    until("a lock on the history", || {
        other.execute_batch("BEGIN IMMEDIATE")
    });
    screen.close();
    screen.see("what it waits for", |parts| {
        let told = |part: &&tree::Part| part.name.starts_with("Waiting for the history: ");
        parts.iter().find(told).map(|_| ())
    });
    screen.part("button", "Close without storing");
    other.execute_batch("ROLLBACK").unwrap();
    let status = screen.ended();
    assert!(status.success(), "{status}");
    let kept = "SELECT count(*) FROM run JOIN run_text USING (id) WHERE outcome = 'cancelled' AND text <> ''";
    let kept: i64 = other.query_row(kept, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 2, "both answers as far as they came");
}

#[test]
#[ignore = "needs a screen and an accessibility bus"]
fn a_program_reaches_the_gateway_by_what_is_copied_out() {
    let user = User::new();
    user.home
        .write_settings("[gateway]\nlisten = \"127.0.0.1:0\"\n");
    let screen = Screen::open(&user.home);
    screen.click("page tab", "Gateway");
    screen.click("button", "Turn the gateway on");
    offer("nothing yet");
    screen.click("button", "Copy the address");
    let address = copied("nothing yet");
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    screen.click("other", "Show: Connect");
    screen.click("button", "Copy the token");
    let token = copied(&address);
    screen.click("button", "Copy the text");
    let without = copied(&token);
    assert!(
        without.contains(&address) && !without.contains(&token),
        "{without}"
    );
    screen.click("button", "Copy with the token");
    let with = copied(&without);
    assert!(with.contains(&address) && with.contains(&token), "{with}");
    // The token is shown only when it is asked for.
    let shows = |parts: &[tree::Part]| parts.iter().any(|part| part.name.contains(&token));
    assert!(!shows(&screen.parts().unwrap()));
    screen.click("toggle button", "Show the token");
    screen.see("the token", |parts| shows(parts).then_some(()));

    let ask = |token: &str| {
        let client = Home::new().with("LLM_API_KEY", token);
        let base_url = format!("{address}/v1");
        let model = "gemini-3-pro-preview";
        let asked = ["chat", "--base-url", &base_url, "-m", model, "Hello"];
        client.run(&asked, "")
    };
    let answered = ask(&token);
    assert_eq!(answered.code, Some(0), "{}", answered.err);
    let refused = ask("ts-another");
    assert_eq!(refused.code, Some(1), "{}", refused.out);
    screen.click("other", "Show: Requests");
    screen.see("both requests", |parts| {
        let says = |text: &str| parts.iter().any(|part| part.name.contains(text));
        (says(", ok") && says(", auth")).then_some(())
    });
}
