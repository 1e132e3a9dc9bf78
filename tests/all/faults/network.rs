//! Networks of the test's own, where names and routes are what it says: a resolver that is silent, an address that is
//! a black hole.

use std::{
    fs,
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokenscope::{
    event::{FaultClass as C, Phase as P},
    run::RunState,
};

use crate::{
    deadline,
    fault_server::{answer_all, serve},
    mounted::{folder, run_in_network},
    toy::{class, fault, limited, limits, run},
};

/// Brings up the loopback, and has names asked for at a server on it.
const RESOLVER: &str = r#"ip link set lo up && echo "nameserver 127.0.0.1" > "$TOKENSCOPE_TEST_FOLDER/resolv.conf" && mount --bind "$TOKENSCOPE_TEST_FOLDER/resolv.conf" /etc/resolv.conf"#;

/// The same, and a name with two addresses, of which packets to the first go nowhere.
const BLACK_HOLE: &str = r#"ip link set lo up && ip link add near type veth peer name far && ip link set near up && ip link set far up && ip addr add 2001:db8::2/64 dev near nodad && ip -6 neigh add 2001:db8::1 lladdr 02:00:00:00:00:99 dev near && printf "2001:db8::1 both.example\n127.0.0.1 both.example\n" > "$TOKENSCOPE_TEST_FOLDER/hosts" && mount --bind "$TOKENSCOPE_TEST_FOLDER/hosts" /etc/hosts"#;

#[test]
fn an_address_that_is_a_black_hole_gives_way_to_the_other() {
    let folder = tempfile::tempdir().unwrap();
    run_in_network(
        "faults::network::black_hole_half",
        BLACK_HOLE,
        folder.path(),
    );
}

#[tokio::test]
#[ignore = "run by an_address_that_is_a_black_hole_gives_way_to_the_other"]
async fn black_hole_half() {
    assert!(
        fs::read_to_string("/etc/hosts")
            .unwrap()
            .contains("both.example")
    );
    let _ = folder();
    let server = serve(|stream, _| answer_all(stream)).await;
    let url = format!("http://both.example:{}/", server.addr.port());
    let run = run(limited(&url, limits(60_000, 0, 0, 60_000))).await;
    assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);
    let tcp = run.stamps.tcp.unwrap();
    let waited = Duration::from_nanos(tcp.end - tcp.begin);
    assert!(
        waited >= Duration::from_millis(250),
        "the first was tried: {waited:?}"
    );
}

#[test]
fn names_are_asked_for_once_and_within_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    run_in_network("faults::network::resolver_half", RESOLVER, folder.path());
}

/// A resolver on port 53 that counts what it is asked, and says that no name exists if it `answers` at all.
fn resolver(answers: bool) -> (UdpSocket, Arc<AtomicUsize>, JoinHandle<()>) {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let (server, count) = (socket.try_clone().unwrap(), Arc::clone(&asked));
    let thread = thread::spawn(move || {
        let mut packet = [0; 512];
        while let Ok((length, from)) = server.recv_from(&mut packet) {
            // One of a single byte ends it.
            if length == 1 {
                return;
            }
            count.fetch_add(1, Ordering::SeqCst);
            if answers {
                // The question comes back, as a response with the code NXDOMAIN (RFC 1035 §4.1.1).
                packet[2] = 0x81;
                packet[3] = 0x83;
                let _ = server.send_to(&packet[..length], from);
            }
        }
    });
    (socket, asked, thread)
}

#[tokio::test]
#[ignore = "run by names_are_asked_for_once_and_within_the_limit"]
async fn resolver_half() {
    let _ = folder();
    for (answers, expected) in [(true, (C::Dns, P::Dns)), (false, (C::Timeout, P::Dns))] {
        let (socket, asked, thread) = resolver(answers);
        let url = "http://model.example/";
        let failed = run(limited(url, limits(500, 0, 0, 60_000))).await;
        assert_eq!(class(&failed), expected);
        let message = &fault(&failed).message;
        assert!(message.contains("model.example"), "{message}");
        // One question for each family of addresses.
        let asked = asked.load(Ordering::SeqCst);
        assert!((1..=2).contains(&asked), "{asked} questions");
        let ends = UdpSocket::bind("127.0.0.1:0").unwrap();
        ends.send_to(&[0], socket.local_addr().unwrap()).unwrap();
        // The port is free for the next once both sockets are gone.
        drop(socket);
        deadline::joined("the resolver to end", thread);
    }
}
