//! Pictures of load benches: set up, under way, over, side by side.

use egui_kittest::kittest::Queryable as _;
use serde_json::{Value, json};
use tokenscope::settings::ThemeChoice;

use super::{
    super::{
        SIZES,
        bench::{
            asking::{show, wait_for},
            layout, open_row, put_beside, run_to,
        },
        scenes,
    },
    Prepare, picture,
};

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_benches() {
    let draft = json!({
        "target": { "endpoint": "openai", "model": "gpt-5-mini" },
        "load": "rate", "per_second": "20", "seconds": "60", "ttft": "500",
    });
    let local = json!({
        "target": { "endpoint": "simulator", "model": "steady" },
        "load": "rate", "per_second": "20", "seconds": "60", "requests": "",
    });
    // The fields for each of them, and what was read.
    let file = |path: &str| {
        json!({
            "target": { "endpoint": "openai", "model": "gpt-5-mini" },
            "asked": { "from": "file", "file": path, "answer_lengths": true },
        })
    };
    let fixture = format!(
        "{}/tests/fixtures/prompts/sharegpt.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let lengths = json!({
        "target": { "endpoint": "openai", "model": "gpt-5-mini" },
        "asked": { "from": "lengths", "input": "512,64" },
    });
    let wrong = json!({
        "target": { "endpoint": "openai", "model": "gpt-5-mini" },
        "load": "rate", "per_second": "many", "ramp": "soon", "warm_up": "x", "requests": "0", "usd": "-1",
    });
    let kept = |side: &str, detail: &str, scale: &str, draft: &Value| json!({ "side": side, "detail": detail, "scale": scale, "draft": draft });
    let saved = |detail: &str| kept("saved", detail, "linear", &json!({}));
    let alone = |detail: &str, scale: &str| json!({ "side": null, "detail": detail, "scale": scale, "draft": {} });
    let first: Prepare = |desktop, player| open_row(desktop, player, 1);
    let first_alone: Prepare = |desktop, player| {
        desktop.get_by_label("Saved benches").click();
        player.play(desktop);
        open_row(desktop, player, 1);
        desktop
            .get_by_role_and_label(egui::Role::Button, "Saved benches")
            .click();
    };
    let all: [(&str, Value, Prepare); 18] = [
        (
            "set-up",
            kept("set_up", "figures", "linear", &draft),
            |_, _| (),
        ),
        (
            "question",
            kept("set_up", "figures", "linear", &draft),
            |desktop, _| {
                desktop.get_by_label("Start").click();
            },
        ),
        ("empty", alone("figures", "linear"), |_, _| ()),
        (
            "prompts-file",
            kept("set_up", "figures", "linear", &file(&fixture)),
            |desktop, player| {
                wait_for(desktop, player, "tokens each on average");
                show(desktop, player, "Order");
            },
        ),
        (
            "prompts-wrong",
            kept("set_up", "figures", "linear", &file("/提示/没有.json")),
            |desktop, player| {
                wait_for(desktop, player, "does not exist");
                show(desktop, player, "Order");
            },
        ),
        (
            "prompts-lengths",
            kept("set_up", "figures", "linear", &lengths),
            |desktop, player| {
                wait_for(desktop, player, "tokens each on average");
                show(desktop, player, "Tokenizer");
            },
        ),
        (
            "problems",
            kept("set_up", "figures", "linear", &wrong),
            |_, _| (),
        ),
        (
            "live",
            kept("set_up", "figures", "linear", &local),
            |desktop, player| {
                run_to(desktop, player, 70);
            },
        ),
        ("figures", saved("figures"), first),
        ("closed", saved("figures"), |desktop, player| {
            open_row(desktop, player, 2)
        }),
        ("invalid", saved("figures"), |desktop, player| {
            open_row(desktop, player, 3)
        }),
        ("killed", saved("rate"), |desktop, player| {
            open_row(desktop, player, 4)
        }),
        ("ttft", saved("over_time"), |desktop, player| {
            open_row(desktop, player, 1);
            desktop.get_by_label("TTFT from schedule over time").hover();
            desktop.run_steps(4);
        }),
        ("ttft-log", alone("over_time", "log"), first_alone),
        ("spread", saved("spread"), first),
        ("rate", alone("rate", "linear"), first_alone),
        ("lag", saved("lag"), |desktop, player| {
            open_row(desktop, player, 3)
        }),
        ("beside", saved("figures"), |desktop, player| {
            open_row(desktop, player, 1);
            put_beside(desktop, player);
        }),
    ];
    for (name, kept, prepare) in all {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                let name = format!("bench-{name}");
                picture(
                    scenes::benched(),
                    theme,
                    size,
                    &layout(&kept),
                    &name,
                    prepare,
                );
            }
        }
    }
}
