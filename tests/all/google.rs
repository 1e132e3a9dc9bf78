//! Google's credentials: tokens from a token server on loopback, their rotation, and what goes wrong.

use std::{
    borrow::Cow,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use futures_util::FutureExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokenscope::{
    credential::{Credentials, KeyError, KeyPlace},
    dialect::DialectId,
    endpoint::{Endpoint, headers::request_headers, variables::Environment},
};
use tokio::time::Instant;
use url::Url;

use crate::{
    canary::{assert_no_canary_in, canary},
    home::Home,
};

/// How long a token lives, by the server's word.
const LIFE: Duration = Duration::from_hours(1);
/// The last part of it, in which the next one must be on its way.
const LATE: Duration = Duration::from_mins(59);

/// A token server: each answer is another token, or a failure while it is told to fail.
#[derive(Clone)]
struct TokenServer {
    url: String,
    issued: Arc<AtomicUsize>,
    failures_left: Arc<AtomicUsize>,
    failures: Arc<AtomicUsize>,
    /// The status of a failure.
    status: u16,
}

impl TokenServer {
    fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            url: format!("http://{}/token", listener.local_addr().unwrap()),
            issued: Arc::default(),
            failures_left: Arc::default(),
            failures: Arc::default(),
            status,
        };
        let serving = server.clone();
        // On a thread of its own: the test's clock stands still while it answers.
        thread::spawn(move || {
            for stream in listener.incoming() {
                serving.answer(stream.unwrap());
            }
        });
        server
    }

    fn answer(&self, mut stream: TcpStream) {
        read_request(&mut stream);
        let fails = self
            .failures_left
            .fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1));
        let (status, body) = if fails.is_ok() {
            self.failures.fetch_add(1, SeqCst);
            (
                self.status,
                json!({"error": "invalid_grant", "error_description": "simulated"}),
            )
        } else {
            let number = self.issued.fetch_add(1, SeqCst) + 1;
            let token = json!({
                "access_token": format!("token-{number}"), "expires_in": LIFE.as_secs(), "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            });
            (200, token)
        };
        let body = body.to_string();
        let _ = write!(
            stream,
            "HTTP/1.1 {status} Simulated\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn fail(&self, times: usize) {
        self.failures_left.store(times, SeqCst);
    }

    /// The JSON of a user's credentials that asks this server.
    fn user(&self, refresh_token: &str) -> SecretString {
        let json = json!({
            "type": "authorized_user", "client_id": "id", "client_secret": "the client's secret",
            "refresh_token": refresh_token, "token_uri": self.url,
        });
        json.to_string().into()
    }
}

/// Reads a request with a body of a stated length.
fn read_request(stream: &mut TcpStream) {
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).unwrap_or(0);
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            if read == 0 {
                return;
            }
            continue;
        };
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

fn endpoint() -> Endpoint {
    let base = "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1";
    let mut endpoint = Endpoint::custom("vertex", Url::parse(base).unwrap(), DialectId::Gemini);
    endpoint.key_env.clear();
    endpoint
}

fn with_key(key: SecretString) -> Credentials {
    let credentials = Credentials::without_keyring(Environment::of([]));
    credentials.set_in_memory(&endpoint(), key);
    credentials
}

async fn token(credentials: &Credentials) -> Result<String, KeyError> {
    let (key, _) = credentials.resolve(&endpoint()).await?;
    Ok(key.unwrap().expose_secret().to_owned())
}

/// Ten thousand requests over more than five expiries, with a server that fails for a while: no request waits
/// while there is a valid token, none gets an expired one, and one refresh an expiry takes place, but for the
/// tries that failed.
#[tokio::test]
async fn tokens_rotate_without_a_request_that_waits_or_is_refused() {
    const REQUESTS: usize = 10_000;
    let server = TokenServer::start(503);
    let credentials = with_key(server.user("refresh"));
    assert_eq!(token(&credentials).await.unwrap(), "token-1");

    // From here on the clock moves only when it is told to: a blocking task keeps it from running ahead.
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let held = tokio::task::spawn_blocking(move || wait.recv());
    tokio::time::pause();
    let began = Instant::now();
    // When each token was first seen; it can't be older than that by more than the first request took.
    let mut seen = vec![began];
    let step = Duration::from_secs(2);
    for request in 0..REQUESTS {
        tokio::time::advance(step).await;
        let before = Instant::now();
        // Shortly before the third refresh the server begins to fail: for one try and its repetitions.
        if seen.len() == 3
            && server.failures.load(SeqCst) == 0
            && before > seen[2] + LIFE - Duration::from_secs(260)
        {
            server.fail(5);
        }
        // A clock that stands still can't tell who waited for the server; a future that is not ready at once can.
        let token = token(&credentials).now_or_never();
        let token = token.unwrap_or_else(|| panic!("request {request} waited"));
        let token = token.unwrap();
        let number: usize = token.strip_prefix("token-").unwrap().parse().unwrap();
        if number > seen.len() {
            assert_eq!(number, seen.len() + 1, "a token was made and never used");
            seen.push(before);
        }
        let age = before - seen[number - 1];
        assert!(age < LIFE, "request {request} got a token of {age:?}");
        // Within the last minute of its life the next one must be on its way: let it come. The clock creeps
        // on meanwhile, for the pauses between tries.
        let mut turns = 0_u32;
        while age > LATE && server.issued.load(SeqCst) == number {
            tokio::task::yield_now().await;
            turns += 1;
            if turns.is_multiple_of(100) {
                tokio::time::advance(Duration::from_millis(1)).await;
            }
        }
    }
    let lasted = (Instant::now() - began).as_secs() / LIFE.as_secs();
    assert!(lasted >= 5, "{lasted} expiries");
    assert_eq!(
        server.failures.load(SeqCst),
        5,
        "the server failed for a while"
    );
    let issued = server.issued.load(SeqCst);
    assert!(
        (6..=7).contains(&issued),
        "{issued} tokens in {lasted} lives"
    );
    println!("{REQUESTS} requests, {lasted} expiries, {issued} tokens, 5 failed tries");
    drop(done);
    let _ = held.await;
}

#[tokio::test]
async fn what_is_wrong_is_said_without_the_secret() {
    let secret = canary();
    let refused = TokenServer::start(400);
    refused.fail(usize::MAX);
    let gone = json!({
        "type": "authorized_user", "client_id": "id", "client_secret": "s3cret-of-client",
        "refresh_token": secret, "token_uri": refused.url,
    });
    let broken_key = json!({
        "type": "service_account", "client_email": "me@p.iam.gserviceaccount.com", "private_key_id": "k",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n"),
        "project_id": "p", "token_uri": "https://oauth2.googleapis.com/token",
    });
    for (what, json) in [
        ("invalid_grant", gone),
        ("me@p.iam.gserviceaccount.com", broken_key),
    ] {
        let credentials = with_key(json.to_string().into());
        let why = token(&credentials).await.unwrap_err();
        let text = format!("{why} {why:?}");
        assert!(matches!(why, KeyError::Google(_)), "{text}");
        assert!(text.contains(what), "{text}");
        assert_no_canary_in(text.as_bytes(), &secret, "an error");
    }
    let mut by_file = endpoint();
    for (path, what) in [
        ("/nowhere/account.json", "does not exist"),
        ("/dev/null", "is no JSON"),
    ] {
        by_file.key_command = vec!["google:file".into(), path.into()];
        let credentials = Credentials::without_keyring(Environment::of([]));
        let why = credentials.resolve(&by_file).await.unwrap_err().to_string();
        assert!(why.contains(what) && why.contains(path), "{why}");
    }
}

/// A failure that does not pass is met again by the next request, which begins anew.
#[tokio::test]
async fn a_revoked_credential_that_is_restored_works_again() {
    let server = TokenServer::start(400);
    server.fail(1);
    let credentials = with_key(server.user("refresh"));
    token(&credentials).await.unwrap_err();
    assert_eq!(token(&credentials).await.unwrap(), "token-1");
}

/// A person's requests are counted for the project that `gcloud` noted, unless the endpoint names another.
#[tokio::test]
async fn a_persons_requests_name_their_project() {
    let server = TokenServer::start(503);
    let mut user: Value = serde_json::from_str(server.user("refresh").expose_secret()).unwrap();
    user["quota_project_id"] = json!("billed");
    let credentials = with_key(user.to_string().into());
    let (key, place) = credentials.resolve(&endpoint()).await.unwrap();
    let headers = |endpoint: &Endpoint| {
        let headers = request_headers(&place.fitted(endpoint), key.as_ref()).unwrap();
        let named = headers.get("x-goog-user-project");
        named.map(|project| project.to_str().unwrap().to_owned())
    };
    assert_eq!(headers(&endpoint()).as_deref(), Some("billed"));
    let mut own = endpoint();
    own.headers
        .insert("X-Goog-User-Project".into(), "mine".into());
    assert_eq!(headers(&own).as_deref(), Some("mine"));
    let (_, place) = with_key(server.user("refresh"))
        .resolve(&endpoint())
        .await
        .unwrap();
    assert!(matches!(place.fitted(&endpoint()), Cow::Borrowed(_)));
}

#[tokio::test]
async fn where_a_token_comes_from_is_known_without_asking_for_one() {
    let server = TokenServer::start(503);
    let credentials = with_key(server.user("refresh"));
    let status = credentials.status(&endpoint()).await;
    let account = "a user's credentials".to_owned();
    let place = KeyPlace::Google {
        account,
        quota_project: None,
    };
    assert_eq!(status.place, place);
    assert_eq!(server.issued.load(SeqCst), 0);
    let mut by_default = endpoint();
    by_default.key_command = vec!["google:adc".into()];
    let status = credentials.status(&by_default).await;
    assert_eq!(
        status.place.to_string(),
        "access token of application default credentials"
    );
}

/// A service account signs its own tokens: no server is asked. The key is made for this test alone.
#[tokio::test]
async fn a_service_account_signs_a_token_for_the_right_scope() {
    let made = Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ])
        .output();
    let Ok(made) = made else {
        println!("skipped: openssl is not here to make a key");
        return;
    };
    let account = json!({
        "type": "service_account", "client_email": "me@p.iam.gserviceaccount.com", "private_key_id": "k1",
        "private_key": String::from_utf8(made.stdout).unwrap(), "project_id": "p",
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    std::fs::write(&path, account.to_string()).unwrap();
    let mut by_file = endpoint();
    by_file.key_command = vec!["google:file".into(), path.to_str().unwrap().into()];
    let credentials = Credentials::without_keyring(Environment::of([]));
    let (from_file, place) = credentials.resolve(&by_file).await.unwrap();
    assert!(matches!(place, KeyPlace::Google { .. }));

    let (kept, place) = with_key(account.to_string().into())
        .resolve(&endpoint())
        .await
        .unwrap();
    assert_eq!(
        place.to_string(),
        "access token of me@p.iam.gserviceaccount.com"
    );
    for token in [from_file.unwrap(), kept.unwrap()] {
        let claims = token.expose_secret().split('.').nth(1).unwrap().to_owned();
        let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = base64::Engine::decode(&engine, claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["iss"], "me@p.iam.gserviceaccount.com");
        assert_eq!(
            claims["scope"],
            "https://www.googleapis.com/auth/cloud-platform"
        );
    }
}

/// A workload's identity is exchanged at the token server that its file names.
#[tokio::test]
async fn a_workload_identity_gives_a_token() {
    let server = TokenServer::start(503);
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("identity.jwt");
    std::fs::write(&identity, "an identity").unwrap();
    let account = json!({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": server.url,
        "credential_source": {"file": identity},
    });
    let credentials = with_key(account.to_string().into());
    assert_eq!(token(&credentials).await.unwrap(), "token-1");
}

#[test]
fn the_terminal_says_whose_a_key_is_and_takes_its_project() {
    let secret = canary();
    let home = Home::new();
    let account = json!({
        "type": "service_account", "client_email": "me@p-1.iam.gserviceaccount.com", "project_id": "p-1",
        "private_key": secret,
    });
    let account = serde_json::to_string_pretty(&account).unwrap();
    let client = json!({"installed": {"client_id": "x", "client_secret": secret}}).to_string();
    let lacking = json!({"type": "service_account", "private_key": secret}).to_string();
    for (id, input, code, why) in [
        // There is no keyring here: it comes as far as that.
        (
            "vertex-native",
            account.as_str(),
            1,
            "service account me@p-1.iam.gserviceaccount.com, project p-1",
        ),
        ("vertex-grpc", &account, 1, "no OS keyring"),
        (
            "vertex-native",
            &client,
            2,
            "This is an OAuth client, not a service account: make",
        ),
        ("vertex-grpc", &lacking, 2, "lacks its “client_email”"),
        ("vertex-native", "a-token", 2, "project is missing"),
    ] {
        let ran = home.run(&["keys", "set", id], input);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(why), "{ran:?}");
        assert_no_canary_in(ran.err.as_bytes(), &secret, "an error");
        assert_eq!(ran.out, "");
    }
    assert!(
        !home.settings().exists(),
        "a key that is not kept adds no endpoint"
    );
}
