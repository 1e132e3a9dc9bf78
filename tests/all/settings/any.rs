//! Any endpoint that can be put into the file is read back from it.

use proptest::prelude::*;

use super::*;

/// An endpoint with anything a user may set.
fn any_endpoint() -> impl Strategy<Value = Endpoint> {
    let words = || prop::collection::vec("[ -~äß中]{0,12}", 0..3);
    let preset = prop::option::of(prop::sample::select(preset::all()).prop_map(|p| p.id.clone()));
    (
        (
            "[a-zé][a-z0-9._-]{0,8}",
            "\\PC{0,12}",
            preset,
            "(/[a-z0-9%]{0,6}){0,3}",
        ),
        (words(), words(), words(), any::<bool>(), "[ -~]{0,8}"),
        (
            any::<[u32; 4]>(),
            prop::option::of("[a-z]{1,5}"),
            0..3_usize,
            0..3_usize,
        ),
        prop::collection::btree_map("X-[A-Za-z]{1,4}", "[ -~]{0,8}", 0..3),
    )
        .prop_map(
            |(
                (id, label, preset, path),
                (key_env, models, command, allow_http, route),
                (ms, user, auth, http),
                headers,
            )| {
                let scheme = if allow_http { "http" } else { "https" };
                let mut e = endpoint(&id, &format!("{scheme}://h.example:81{path}"));
                (e.label, e.preset, e.route) = (label, preset, route);
                (e.key_env, e.models, e.key_command, e.allow_http) =
                    (key_env, models, command, allow_http);
                e.auth = [Auth::Bearer, Auth::None, Auth::Header("api-key".into())][auth].clone();
                e.connect.http = [HttpVersion::Auto, HttpVersion::Http1, HttpVersion::Http2][http];
                e.connect.timeouts.connect_ms = ms[0].into();
                e.connect.timeouts.total_ms = ms[1].into();
                e.proxy_password_env = user.is_some().then(|| "PW".to_owned());
                e.connect.proxy = user.map(|user| format!("socks5://{user}@p.example:1080"));
                e.headers = headers;
                e
            },
        )
        .prop_filter("the simulator's id is taken", |e| {
            e.id != tokenscope::endpoint::simulated::ENDPOINT
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_put_is_read_back_whole(first in any_endpoint(), mut second in any_endpoint()) {
        let home = Home::new();
        settings::edit(&home.paths(), &put(&first)).unwrap();
        prop_assert_eq!(&load(&home).unwrap().endpoints[..], std::slice::from_ref(&first));
        // The same section again, with everything about it changed.
        second.id.clone_from(&first.id);
        settings::edit(&home.paths(), &put(&second)).unwrap();
        prop_assert_eq!(load(&home).unwrap().endpoints, [second]);
    }
}
