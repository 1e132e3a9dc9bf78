//! Pictures of comparisons.

use egui_kittest::kittest::Queryable as _;
use tokenscope::settings::ThemeChoice;

use super::{
    super::{Desktop, Player, scenes},
    Detail, SIZES, picture,
};

#[test]
#[ignore = "draws; look at target/pictures"]
fn pictures_of_comparisons() {
    let saved = r#"{"view":"compare","views":{"compare":"{\"side\":\"saved\"}"}}"#;
    let form = r#"{"view":"compare"}"#;
    let targets = serde_json::json!({ "side": "set_up", "draft": {
        "targets": [
            { "endpoint": "openai", "model": "gpt-5-mini" },
            { "endpoint": "gateway", "model": "gpt-5-mini" },
        ],
    } });
    let targets = layout(&targets);
    let ways = serde_json::json!({ "side": "set_up", "draft": {
        "arms": "ways",
        "target": { "endpoint": "openai", "model": "gpt-5-mini" },
    } });
    let ways = layout(&ways);
    let all: [Detail<'_>; 14] = [
        (
            "compare-verdicts",
            saved,
            scenes::compared,
            |desktop, player| open(desktop, player, TWO),
        ),
        (
            "compare-hover",
            saved,
            scenes::compared,
            |desktop, player| {
                open(desktop, player, TWO);
                let verdict = desktop.query_all_by_label_contains("B is faster by").next();
                let at = verdict.unwrap().rect().center();
                desktop.hover_at(at);
                desktop.run_steps(8);
            },
        ),
        (
            "compare-differences",
            saved,
            scenes::compared,
            |desktop, player| detail(desktop, player, "Over time"),
        ),
        (
            "compare-spread",
            saved,
            scenes::compared,
            |desktop, player| detail(desktop, player, "Spread"),
        ),
        (
            "compare-quantiles",
            saved,
            scenes::compared,
            |desktop, player| detail(desktop, player, "Q–Q"),
        ),
        (
            "compare-phases",
            saved,
            scenes::compared,
            |desktop, player| {
                detail(desktop, player, "Phases");
                desktop.get_by_label("Connections: Cold").click();
            },
        ),
        (
            "compare-table",
            saved,
            scenes::compared,
            |desktop, player| detail(desktop, player, "Table"),
        ),
        (
            "compare-answers",
            saved,
            scenes::compared,
            |desktop, player| detail(desktop, player, "Answers"),
        ),
        (
            "compare-many",
            saved,
            scenes::compared,
            |desktop, player| open(desktop, player, MANY),
        ),
        ("compare-live", saved, scenes::comparing, |_, _| ()),
        ("compare-form", form, scenes::filled, |_, _| ()),
        ("compare-targets", &targets, scenes::comparing, |_, _| ()),
        (
            "compare-question",
            &targets,
            scenes::filled,
            |desktop, _| {
                desktop.get_by_label("Start").click();
            },
        ),
        ("compare-ways", &ways, scenes::filled, |_, _| ()),
    ];
    for (name, layout, scene, prepare) in all {
        for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
            for size in SIZES {
                picture(scene(), theme, size, layout, name, prepare);
            }
        }
    }
}

const TWO: &str = "Comparison of openai/gpt-5-mini and gateway/gpt-5-mini";
const MANY: &str = "Comparison of openai/gpt-5-mini and gateway/an-organisation";

fn layout(view: &serde_json::Value) -> String {
    serde_json::json!({ "view": "compare", "views": { "compare": view.to_string() } }).to_string()
}

fn open(desktop: &mut Desktop, player: &mut Player, of: &str) {
    desktop.get_by_label_contains(of).click();
    player.play(desktop);
}

fn detail(desktop: &mut Desktop, player: &mut Player, name: &str) {
    open(desktop, player, TWO);
    desktop.get_by_label(&format!("Detail: {name}")).click();
    player.play(desktop);
}
