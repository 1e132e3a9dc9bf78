//! A file manager from whose window files are dragged: the source's half of XDND 5.
//!
//! <https://freedesktop.org/wiki/Specifications/XDND/>

use std::path::Path;

use url::Url;
use x11rb::{
    COPY_DEPTH_FROM_PARENT, CURRENT_TIME,
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            Atom, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, WindowClass,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use super::screen::until;

struct Source {
    x: RustConnection,
    own: u32,
    target: u32,
    files: String,
}

/// Drags files onto a window and lets them go there.
pub fn drop_files(target: u32, files: &[&Path]) {
    let (x, screen) = x11rb::connect(None).expect("the screen");
    let root = x.setup().roots[screen].root;
    let own = x.generate_id().expect("an id");
    let (class, aux) = (WindowClass::INPUT_OUTPUT, CreateWindowAux::new());
    x.create_window(
        COPY_DEPTH_FROM_PARENT,
        own,
        root,
        0,
        0,
        1,
        1,
        0,
        class,
        0,
        &aux,
    )
    .expect("a window");
    let urls = files
        .iter()
        .map(|file| Url::from_file_path(file).expect("an absolute path"));
    let files = urls.map(|url| String::from(url) + "\r\n").collect();
    let source = Source {
        x,
        own,
        target,
        files,
    };
    source.drag();
}

impl Source {
    fn drag(&self) {
        let [list, copy] = [self.atom("text/uri-list"), self.atom("XdndActionCopy")];
        let selection = self.atom("XdndSelection");
        (self
            .x
            .set_selection_owner(self.own, selection, CURRENT_TIME))
        .expect("the selection");
        let position = [self.own, 0, (0x200 << 16) | 0x180, CURRENT_TIME, copy];
        self.tell("XdndEnter", [self.own, 5 << 24, list, 0, 0]);
        self.tell("XdndPosition", position);
        self.answered("XdndStatus");
        // The window has the paths by the time it answers again.
        self.tell("XdndPosition", position);
        self.answered("XdndStatus");
        self.tell("XdndDrop", [self.own, 0, CURRENT_TIME, 0, 0]);
        self.answered("XdndFinished");
    }

    fn atom(&self, name: &str) -> Atom {
        let cookie = self
            .x
            .intern_atom(false, name.as_bytes())
            .expect("it is sent");
        cookie.reply().expect("an atom").atom
    }

    fn tell(&self, what: &str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, self.target, self.atom(what), data);
        (self
            .x
            .send_event(false, self.target, EventMask::NO_EVENT, event))
        .expect("it is sent");
        self.x.flush().expect("the screen");
    }

    /// Waits for an answer, and gives the paths to whoever asks meanwhile.
    fn answered(&self, what: &str) {
        let wanted = self.atom(what);
        until(what, || {
            match self.x.poll_for_event().expect("the screen") {
                Some(Event::ClientMessage(answer)) if answer.type_ == wanted => Ok(()),
                Some(Event::SelectionRequest(request)) => {
                    self.give(&request);
                    Err("asked for the paths")
                }
                _ => Err("nothing"),
            }
        });
    }

    fn give(&self, request: &SelectionRequestEvent) {
        let (mode, data) = (PropMode::REPLACE, self.files.as_bytes());
        (self.x.change_property8(
            mode,
            request.requestor,
            request.property,
            request.target,
            data,
        ))
        .expect("it is sent");
        let given = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: request.property,
        };
        (self
            .x
            .send_event(false, request.requestor, EventMask::NO_EVENT, given))
        .expect("it is sent");
        self.x.flush().expect("the screen");
    }
}
