//! No secret is found anywhere: a key that occurs nowhere else is followed through the program.

use std::{
    collections::hash_map::RandomState,
    fs,
    hash::{BuildHasher as _, Hasher as _},
    io::{ErrorKind, Write as _},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose};

use crate::home::{Home, piped};

/// A key that no other text holds.
pub fn canary() -> String {
    let random = RandomState::new().build_hasher().finish();
    format!("sk-canary-{random:016x}-/+ü?&=")
}

/// Fails if the secret stands in one of these files, or in any file below one of these folders:
/// plain, in UTF-16, as hex, in base64 at any offset, or with its characters escaped for URLs or JSON.
pub fn assert_no_canary(paths: &[&Path], canary: &str) {
    for path in paths {
        // SQLite moves what its log holds into its file, and removes the log, when the last connection closes.
        while !is_looked_through(path, canary) {}
    }
}

/// Looks through a file, or all below a folder; false if something was gone before it could be read.
fn is_looked_through(path: &Path, canary: &str) -> bool {
    if path.is_dir() {
        let mut entries = fs::read_dir(path).expect("a folder");
        return entries.all(|entry| is_looked_through(&entry.expect("an entry").path(), canary));
    }
    if path.is_file() {
        let bytes = match fs::read(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return false,
            read => read.expect("a file"),
        };
        let name = path.display().to_string();
        assert_no_canary_in(&bytes, canary, &name);
        assert_no_canary_in(name.as_bytes(), canary, "a file's name");
    }
    true
}

/// Fails if the secret stands in these bytes, in any of those forms.
pub fn assert_no_canary_in(bytes: &[u8], canary: &str, place: &str) {
    for (form, needle) in forms(canary) {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "the secret stands in {place}, {form}");
    }
}

/// The secret as it might be written, without what its surroundings would change.
fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).expect("JSON");
    let mut forms = vec![
        ("plain", secret.as_bytes().to_vec()),
        (
            "its unmistakable part",
            secret.chars().take(24).collect::<String>().into_bytes(),
        ),
        ("escaped for a URL", escaped.into_bytes()),
        (
            "escaped for JSON",
            json.trim_matches('"').as_bytes().to_vec(),
        ),
        (
            "in UTF-16",
            secret.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        ),
        (
            "as hex",
            secret
                .bytes()
                .flat_map(|b| format!("{b:02x}").into_bytes())
                .collect(),
        ),
    ];
    for offset in 0..3 {
        let shifted = [vec![0; offset], secret.as_bytes().to_vec()].concat();
        for engine in [&general_purpose::STANDARD, &general_purpose::URL_SAFE] {
            let encoded = engine.encode(&shifted).into_bytes();
            // The first and the last group also hold bits of what stands beside the secret.
            let inner = encoded[4 * offset.div_ceil(2)..encoded.len() - 4].to_vec();
            forms.push(("in base64", inner));
        }
    }
    forms
}

#[test]
fn the_search_finds_every_form() {
    let canary = canary();
    for offset in 0..3 {
        let beside = [
            b"abc"[..offset].to_vec(),
            canary.as_bytes().to_vec(),
            b"xyz".to_vec(),
        ]
        .concat();
        let planted = general_purpose::STANDARD.encode(beside);
        let found =
            std::panic::catch_unwind(|| assert_no_canary_in(planted.as_bytes(), &canary, "x"));
        assert!(found.is_err(), "base64 at offset {offset}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    assert_no_canary(&[folder.path()], &canary);
    fs::write(folder.path().join("deep/f"), format!("\0..{canary}..")).unwrap();
    let found = std::panic::catch_unwind(|| assert_no_canary(&[folder.path()], &canary));
    assert!(found.is_err());
}

/// Everything that the program does with a key, in one home: kept (or not), listed, found, used in
/// errors. Nothing of it may be seen.
pub fn follow_a_key(home: &Home, canary: &str) {
    let mut child = piped(home.tokenscope(["keys", "set", "openai"]));
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(canary.as_bytes()).unwrap();
    // It has the key, and waits for the rest of it: now is the time to look at its arguments.
    #[cfg(target_os = "linux")]
    {
        let file = format!("/proc/{}/cmdline", child.id());
        // Empty for a moment while the program is being loaded.
        let arguments = crate::deadline::until("its arguments", || {
            let read = fs::read(&file).unwrap();
            if read.is_empty() { Err(read) } else { Ok(read) }
        });
        assert!(arguments.ends_with(b"openai\0"), "{arguments:?}");
        assert_no_canary_in(&arguments, canary, "the arguments");
    }
    drop(stdin);
    let output = crate::deadline::output(child);
    assert_no_canary_in(&output.stdout, canary, "the output of set");
    assert_no_canary_in(&output.stderr, canary, "the errors of set");
    let commands: &[&[&str]] = &[
        &["keys", "list"],
        &["keys", "list", "--json"],
        &["keys", "where", "openai"],
        &["keys", "where", "openai", "--json"],
        &["keys", "where", "printed"],
        &["keys", "where", "failing"],
        &["keys", "forget", "openai"],
    ];
    for arguments in commands {
        let ran = home.run(arguments, "");
        assert_no_canary_in(ran.out.as_bytes(), canary, &arguments.join(" "));
        assert_no_canary_in(ran.err.as_bytes(), canary, &arguments.join(" "));
    }
    assert_no_canary(&[home.path()], canary);
}

/// A home in which a key also comes from the environment and from commands.
pub fn home_with(canary: &str) -> Home {
    let home = Home::new()
        .with("GROQ_API_KEY", canary)
        .with("CANARY", canary)
        .with("TOKENSCOPE_LOG", "trace")
        .with("RUST_LOG", "trace");
    home.write_settings(
        r#"
        [endpoint.printed]
        base_url = "https://a.example/v1"
        key_command = ["sh", "-c", "printf %s \"$CANARY\""]

        [endpoint.failing]
        base_url = "https://b.example/v1"
        key_command = ["sh", "-c", "echo \"$CANARY\"; echo \"no: $CANARY\" >&2; exit 1"]
        "#,
    );
    home
}

#[test]
fn a_key_is_seen_nowhere_without_a_keyring() {
    let canary = canary();
    let home = home_with(&canary);
    assert_eq!(home.run(&["keys", "where", "groq"], "").code, Some(0));
    #[cfg(unix)]
    assert_eq!(home.run(&["keys", "where", "printed"], "").code, Some(0));
    follow_a_key(&home, &canary);
}
