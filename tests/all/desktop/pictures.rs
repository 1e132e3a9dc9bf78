//! Pictures of every view, to be looked at: `cargo test --features pictures --test all pictures -- --ignored`.

mod bench;
mod compared;
mod forms;

use std::path::PathBuf;

use egui_kittest::kittest::Queryable as _;
use tokenscope::{desktop::views::views, settings::ThemeChoice};

use super::{
    Desktop, Player, Scene, layout_of,
    player::{drawn, open_with},
    scenes,
};

const SIZES: [(f32, f32); 3] = [(1280.0, 800.0), (900.0, 600.0), (1920.0, 1080.0)];

type Prepare = fn(&mut Desktop, &mut Player);

fn save(desktop: &mut Desktop, name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let picture = drawn(desktop);
    picture.save(folder.join(format!("{name}.png"))).unwrap();
}

fn picture(
    mut scene: Scene,
    theme: ThemeChoice,
    size: (f32, f32),
    layout: &str,
    name: &str,
    prepare: Prepare,
) {
    let shade = if theme == ThemeChoice::Dark {
        "dark"
    } else {
        "light"
    };
    let name = format!("{name}-{shade}-{}", size.0);
    // Only the pictures that are named, by any part of their names, where some are.
    let named = std::env::var("SCENE").unwrap_or_default();
    if !named.split(',').any(|part| name.contains(part)) {
        return;
    }
    scene.settings.appearance.theme = theme;
    let (mut desktop, mut player) = open_with(
        scene,
        size,
        Some(layout),
        egui_kittest::HarnessBuilder::wgpu,
    );
    prepare(&mut desktop, &mut player);
    player.play(&mut desktop);
    save(&mut desktop, &name);
}

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_every_view() {
    for view in views() {
        let layout = layout_of(view.id());
        let name = view.title().to_lowercase();
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                let all = [
                    ("filled", scenes::filled()),
                    ("empty", scenes::empty()),
                    ("errors", scenes::errors()),
                    ("chinese", scenes::chinese()),
                ];
                for (state, scene) in all {
                    picture(
                        scene,
                        theme,
                        size,
                        &layout,
                        &format!("{name}-{state}"),
                        |_, _| (),
                    );
                }
            }
        }
    }
}

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_charts() {
    for chart in ["bands", "phases", "spread", "hours", "errors", "targets"] {
        let saved = serde_json::json!({ "chart": chart, "range": "days7" }).to_string();
        let layout = serde_json::json!({ "view": "monitor", "views": { "monitor": saved } });
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                let name = format!("chart-{chart}");
                picture(
                    scenes::week(),
                    theme,
                    size,
                    &layout.to_string(),
                    &name,
                    |_, _| (),
                );
            }
        }
    }
}

/// A picture's name, the layout and the scene that it begins with, and what is done then.
type Detail<'a> = (&'static str, &'a str, fn() -> Scene, Prepare);

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_details_and_overlays() {
    let runs = r#"{"view":"runs"}"#;
    let settings = r#"{"view":"settings"}"#;
    let keys = r#"{"view":"settings","views":{"settings":"\"keys\""}}"#;
    let appearance = r#"{"view":"settings","views":{"settings":"\"appearance\""}}"#;
    let data = r#"{"view":"settings","views":{"settings":"\"data\""}}"#;
    let about = r#"{"view":"settings","views":{"settings":"\"about\""}}"#;
    let monitor = r#"{"view":"monitor","views":{"monitor":"{\"scale\":\"log\"}"}}"#;
    let linear = r#"{"view":"monitor"}"#;
    let playground = r#"{"view":"playground"}"#;
    let connect = r#"{"view":"gateway","views":{"gateway":"{\"tab\":\"connect\"}"}}"#;
    let requests = r#"{"view":"gateway","views":{"gateway":"{\"tab\":\"requests\"}"}}"#;
    let routes = r#"{"view":"gateway","views":{"gateway":"{\"tab\":\"routes\"}"}}"#;
    let targets = r#"{"view":"monitor","views":{"monitor":"{\"chart\":\"targets\"}"}}"#;
    let phases = r#"{"view":"monitor","views":{"monitor":"{\"chart\":\"phases\",\"cold\":true}"}}"#;
    let all: [Detail<'_>; 57] = [
        ("wire-frames", runs, scenes::wire, |desktop, player| {
            wire(desktop, player);
            for _ in 0..6 {
                desktop.key_press(egui::Key::ArrowRight);
                desktop.run_steps(1);
            }
        }),
        (
            "wire-chinese",
            runs,
            scenes::wire_chinese,
            |desktop, player| {
                wire(desktop, player);
                desktop.get_by_label("Search the frames").focus();
                desktop.run_steps(1);
                desktop
                    .get_by_label("Search the frames")
                    .type_text("储物柜");
                player.play(desktop);
            },
        ),
        ("wire-error", runs, scenes::wire_error, |desktop, player| {
            wire(desktop, player);
            desktop.key_press(egui::Key::ArrowRight);
        }),
        ("wire-gone", runs, scenes::wire_gone, |desktop, player| {
            wire(desktop, player);
        }),
        ("wire-request", runs, scenes::wire, |desktop, player| {
            wire(desktop, player);
            desktop.get_by_label("Wire: Request").click();
        }),
        ("wire-save", runs, scenes::wire, |desktop, player| {
            wire(desktop, player);
            desktop.get_by_label("Save as…").click();
            player.play(desktop);
            desktop.get_by_label("HAR 1.2…").click();
        }),
        ("wire-replay", runs, scenes::wire, |desktop, player| {
            let (_folder, path) = super::wire::file_of(&player.scene);
            super::wire::drop_file(desktop, player, &path);
            for _ in 0..7 {
                desktop.get_by_label("Next frame").click();
                player.play(desktop);
            }
        }),
        ("wire-hover", runs, scenes::wire, |desktop, player| {
            inspect(desktop, player, 0);
            super::wire::hover_second_read(desktop, player);
        }),
        (
            "inspector-two",
            runs,
            scenes::buffered,
            |desktop, player| {
                inspect(desktop, player, 0);
                compare(desktop, player, 1);
                desktop.get_by_label("Show the inspector alone").click();
                player.play(desktop);
                desktop.get_by_label("Waterfall").hover();
                desktop.run_steps(4);
            },
        ),
        (
            "inspector-beside",
            runs,
            scenes::buffered,
            |desktop, player| inspect(desktop, player, 0),
        ),
        (
            "inspector-stalled",
            runs,
            scenes::stalled,
            |desktop, player| {
                inspect(desktop, player, 0);
                for _ in 0..12 {
                    desktop.get_by_label("Next read").click();
                    desktop.run_steps(1);
                }
                for _ in 0..6 {
                    desktop.get_by_label("Zoom in").click();
                    desktop.run_steps(1);
                }
            },
        ),
        (
            "inspector-fault",
            runs,
            scenes::errors,
            |desktop, player| {
                inspect(desktop, player, 3);
            },
        ),
        ("inspector-live", runs, scenes::live, |desktop, player| {
            inspect(desktop, player, 0);
        }),
        ("inspector-long", runs, scenes::long, |desktop, player| {
            inspect(desktop, player, 0);
        }),
        ("run-details", runs, scenes::filled, |desktop, _| {
            click_row(desktop, 2);
        }),
        ("run-fault", runs, scenes::errors, |desktop, _| {
            click_row(desktop, 3);
        }),
        ("run-chinese", runs, scenes::chinese, |desktop, _| {
            click_row(desktop, 2);
        }),
        ("run-parts", runs, scenes::parts, |desktop, player| {
            click_row(desktop, 2);
            player.play(desktop);
            // Pictures are decoded on a thread of their own.
            std::thread::sleep(std::time::Duration::from_millis(400));
        }),
        ("gateway-connect", connect, scenes::busy_gateway, |_, _| ()),
        (
            "gateway-token",
            connect,
            scenes::long_names,
            |desktop, player| {
                desktop.get_by_label("Show the token").click();
                player.play(desktop);
                desktop.get_by_label("Program: Codex").click();
            },
        ),
        ("settings-gateway", settings, scenes::gateway_on, |_, _| ()),
        ("gateway-none", requests, scenes::gateway_on, |_, _| ()),
        (
            "gateway-requests",
            requests,
            scenes::busy_gateway,
            |_, _| (),
        ),
        ("gateway-routes", routes, scenes::busy_gateway, |_, _| ()),
        (
            "gateway-long-requests",
            requests,
            scenes::long_names,
            |_, _| (),
        ),
        ("gateway-long-routes", routes, scenes::long_names, |_, _| ()),
        (
            "gateway-chinese-requests",
            requests,
            scenes::chinese_gateway,
            |_, _| (),
        ),
        (
            "gateway-chinese-routes",
            routes,
            scenes::chinese_gateway,
            |_, _| (),
        ),
        (
            "gateway-starting",
            connect,
            scenes::gateway_starting,
            |_, _| (),
        ),
        ("export", runs, scenes::filled, |desktop, _| {
            desktop.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
        }),
        ("palette", runs, scenes::filled, |desktop, _| {
            desktop.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
        }),
        ("shortcuts", runs, scenes::filled, |desktop, _| {
            desktop.key_press(egui::Key::F1);
        }),
        (
            "palette-found",
            playground,
            scenes::filled,
            |desktop, player| {
                desktop.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K);
                player.play(desktop);
                desktop.get_by_label("Command").type_text("pane");
            },
        ),
        ("monitor-log", monitor, scenes::filled, |_, _| ()),
        (
            "targets-facts",
            targets,
            scenes::buffering_and_priced,
            |_, _| (),
        ),
        ("phases-cold", phases, scenes::filled, |desktop, _| {
            let plot = desktop
                .get_by_label("Phases of openai/gpt-5-mini over time")
                .rect();
            desktop.hover_at(plot.center());
            desktop.run_steps(4);
        }),
        ("phases-one", phases, scenes::filled, |desktop, player| {
            desktop.get_by_label("Only openai/gpt-5-mini").click();
            player.play(desktop);
        }),
        ("phases-many", phases, scenes::many_targets, |_, _| ()),
        ("monitor-changed", monitor, scenes::changed, |_, _| ()),
        (
            "pane-way-menu",
            playground,
            scenes::gateway_on,
            |desktop, _| desktop.get_by_label("More for pane 1").click(),
        ),
        (
            "pane-via-gateway",
            playground,
            scenes::gateway_on,
            |desktop, player| {
                desktop.get_by_label("More for pane 1").click();
                player.play(desktop);
                desktop
                    .get_by_label("Ask the same through the gateway")
                    .click();
            },
        ),
        ("monitor-many", monitor, scenes::many_targets, |_, _| ()),
        (
            "monitor-pointed",
            monitor,
            scenes::many_targets,
            |desktop, _| {
                desktop.get_by_label("Only ollama/gemma3:270m").hover();
                desktop.run_steps(4);
            },
        ),
        ("monitor-probing", linear, scenes::probing, |_, _| ()),
        ("monitor-gap", linear, scenes::probing, |desktop, _| {
            let plot = desktop
                .get_by_label("Plot of time to first token over time")
                .rect();
            desktop.hover_at(egui::pos2(
                plot.left() + plot.width() * 0.46,
                plot.center().y,
            ));
            desktop.run_steps(4);
        }),
        ("monitor-plan", linear, scenes::planned, |desktop, _| {
            desktop.get_by_label("Plan…").click();
        }),
        ("monitor-plan-empty", linear, scenes::empty, |desktop, _| {
            desktop.get_by_label("Choose targets…").click();
        }),
        (
            "settings-trial",
            settings,
            scenes::filled,
            |desktop, player| {
                doubtful_test(player);
                player.play(desktop);
            },
        ),
        (
            "settings-edit",
            settings,
            scenes::filled,
            |desktop, player| {
                desktop.get_by_label("Edit deepseek").click();
                player.play(desktop);
                desktop.get_by_label("Advanced").click();
            },
        ),
        (
            "settings-vertex",
            settings,
            scenes::filled,
            |desktop, player| {
                add(desktop, player, "Add Vertex AI, a region");
                desktop.get_by_label("Continue").click();
            },
        ),
        (
            "settings-anthropic",
            settings,
            scenes::filled,
            |desktop, player| add(desktop, player, "Add Anthropic"),
        ),
        ("settings-test", settings, scenes::filled, |desktop, _| {
            desktop.get_by_label("Test deepseek").click();
        }),
        ("settings-keys", keys, scenes::filled, |desktop, player| {
            player.play(desktop);
            desktop.get_by_label("Set the key of gateway").click();
        }),
        ("settings-add", settings, scenes::filled, |desktop, _| {
            desktop.get_by_label_contains("Add an endpoint").click();
        }),
        ("settings-appearance", appearance, scenes::filled, |_, _| ()),
        ("settings-data", data, scenes::filled, |_, _| ()),
        ("settings-about", about, scenes::filled, |_, _| ()),
    ];
    for (name, layout, scene, prepare) in all {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                picture(scene(), theme, size, layout, name, prepare);
            }
        }
    }
}

fn add(desktop: &mut Desktop, player: &mut Player, preset: &str) {
    desktop.get_by_label_contains("Add an endpoint").click();
    player.play(desktop);
    desktop.get_by_label(preset).scroll_to_me();
    desktop.run_steps(20);
    desktop.get_by_label(preset).click();
    player.play(desktop);
}

/// A test that could not tell: there is no list of models.
fn doubtful_test(player: &mut Player) {
    use tokenscope::engine::{TestStep, TestedThing};
    let list = "HTTP 404 at https://api.deepseek.com/models; also tried https://api.deepseek.com/v1/models (HTTP 404), https://api.deepseek.com/api/v1/models (not found). If the base URL is right, it the server has no list of models: type their names";
    let steps = [
        (TestedThing::Dns, "104.18.7.192", true),
        (TestedThing::Connect, "port 443", true),
        (TestedThing::Tls, "the certificate is trusted", true),
        (
            TestedThing::Auth,
            "not tested: there is no list of models",
            false,
        ),
        (TestedThing::Models, list, false),
    ];
    player.test_steps = (steps.into_iter())
        .map(|(what, told, sure)| TestStep {
            what,
            result: Ok(told.into()),
            sure,
            took: sure.then(|| std::time::Duration::from_millis(31)),
        })
        .collect();
}

/// Shows the waterfall of the run in this row.
fn inspect(desktop: &mut Desktop, player: &mut Player, row: usize) {
    click_row(desktop, row);
    player.play(desktop);
    desktop.get_by_label("Inspector: Waterfall").click();
    player.play(desktop);
}

/// Shows the wire of the run in the first row.
fn wire(desktop: &mut Desktop, player: &mut Player) {
    click_row(desktop, 0);
    player.play(desktop);
    desktop.get_by_label("Inspector: Wire").click();
    player.play(desktop);
}

/// Compares the shown run with that in this row.
fn compare(desktop: &mut Desktop, player: &mut Player, row: usize) {
    desktop.get_by_label_contains("Compare with").click();
    player.play(desktop);
    desktop.get_by_label("A run in the table…").click();
    player.play(desktop);
    click_row(desktop, row);
    player.play(desktop);
}

fn click_row(desktop: &Desktop, row: usize) {
    let rows: Vec<_> = desktop.query_all_by_role(egui::Role::Row).collect();
    rows[row].click();
}
