//! The window as a screen reader sees it, over AT-SPI.

use zbus::{
    blocking::{Connection, connection::Builder},
    zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Type},
};

type Address = (String, OwnedObjectPath);

const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";

/// The accessibility bus of this session, told that somebody listens.
pub struct Bus(Connection);

/// A part of the window: what it is, what it is called, what it holds, and where it stands.
#[derive(Clone, Debug)]
pub struct Part {
    pub role: &'static str,
    pub name: String,
    address: Address,
}

/// The names of AT-SPI's roles that the tests ask for (atspi-constants.h).
fn role_name(role: u32) -> &'static str {
    match role {
        23 => "frame",
        29 => "label",
        37 => "page tab",
        39 => "panel",
        43 => "button",
        61 => "text",
        62 => "toggle button",
        79 => "entry",
        88 => "link",
        _ => "other",
    }
}

impl Bus {
    pub fn open() -> Self {
        let session = Connection::session().expect("a D-Bus session");
        let status = ("org.a11y.Status", "IsEnabled", OwnedValue::from(true));
        (session.call_method(
            Some("org.a11y.Bus"),
            "/org/a11y/bus",
            Some("org.freedesktop.DBus.Properties"),
            "Set",
            &status,
        ))
        .expect("at-spi2-core is installed");
        let address: String = (session.call_method(
            Some("org.a11y.Bus"),
            "/org/a11y/bus",
            Some("org.a11y.Bus"),
            "GetAddress",
            &(),
        ))
        .and_then(|reply| reply.body().deserialize())
        .expect("an accessibility bus");
        Self(
            Builder::address(address.as_str())
                .and_then(Builder::build)
                .expect("the accessibility bus"),
        )
    }

    fn call<R>(
        &self,
        (bus, path): &Address,
        interface: &str,
        method: &str,
        arguments: &(impl serde::Serialize + DynamicType),
    ) -> zbus::Result<R>
    where
        R: serde::de::DeserializeOwned + Type,
    {
        let reply =
            self.0
                .call_method(Some(bus.as_str()), path, Some(interface), method, arguments)?;
        reply.body().deserialize()
    }

    fn children(&self, of: &Address) -> zbus::Result<Vec<Address>> {
        self.call(of, ACCESSIBLE, "GetChildren", &())
    }

    fn name(&self, of: &Address) -> zbus::Result<String> {
        let properties = "org.freedesktop.DBus.Properties";
        let value: OwnedValue = self.call(of, properties, "Get", &(ACCESSIBLE, "Name"))?;
        Ok(String::try_from(value)?)
    }

    /// The process that a program on the bus is.
    fn pid(&self, bus: &str) -> zbus::Result<u32> {
        let daemon = (
            "org.freedesktop.DBus".to_owned(),
            "/org/freedesktop/DBus".try_into()?,
        );
        let method = "GetConnectionUnixProcessID";
        self.call(&daemon, "org.freedesktop.DBus", method, &(bus,))
    }

    /// Every part of the window of a process. A part that goes while we look is an error: look again.
    pub fn window(&self, pid: u32) -> zbus::Result<Vec<Part>> {
        let root = (
            "org.a11y.atspi.Registry".to_owned(),
            "/org/a11y/atspi/accessible/root".try_into()?,
        );
        let mut open = self.children(&root)?;
        open.retain(|(bus, _)| self.pid(bus).is_ok_and(|found| found == pid));
        let mut parts = Vec::new();
        while let Some(address) = open.pop() {
            let mut children = self.children(&address)?;
            children.reverse();
            open.append(&mut children);
            let role: u32 = self.call(&address, ACCESSIBLE, "GetRole", &())?;
            let name = self.name(&address)?;
            parts.push(Part {
                role: role_name(role),
                name,
                address,
            });
        }
        Ok(parts)
    }

    /// The text in a field.
    pub fn text(&self, part: &Part) -> zbus::Result<String> {
        let interface = "org.a11y.atspi.Text";
        self.call(&part.address, interface, "GetText", &(0_i32, -1_i32))
    }

    /// The middle of a part, in pixels of the screen.
    pub fn middle(&self, part: &Part) -> zbus::Result<(i32, i32)> {
        const SCREEN: u32 = 0;
        let interface = "org.a11y.atspi.Component";
        let (x, y, width, height): (i32, i32, i32, i32) =
            self.call(&part.address, interface, "GetExtents", &(SCREEN,))?;
        Ok((x + width / 2, y + height / 2))
    }
}
