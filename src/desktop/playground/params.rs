//! The popover with a pane's request settings.

use egui::{Popup, PopupCloseBehavior, Response, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{
    left_out,
    params_form::{ParamsForm, Problem, Shape, count_sent},
    schema_form::{TEMPLATES, laid_out, strict_notes, takes_template},
    sent_as::{effort_sent, efforts},
};
use crate::{
    chat::{CacheLife, ChatRequest},
    conversation::Pane,
    desktop::{
        icons,
        theme::{Theme, caption, heading, size, space},
        widgets::{ghost_button, icon_toggle, labeled_field, segmented},
    },
    dialect::DialectId,
};

/// The form's width, and the room beside it that the scroll bar takes.
const WIDTH: f32 = 336.0;
const SCROLL_BAR: f32 = 14.0;

/// The settings popover of one pane: what is typed in it, until all of it reads.
#[derive(Debug, Default)]
pub struct ParamsPopover {
    /// Kept while open, and while something in it does not read.
    form: Option<ParamsForm>,
    problems: Vec<Problem>,
}

impl ParamsPopover {
    /// Whether something typed can't be sent.
    pub fn has_problem(&self) -> bool {
        !self.problems.is_empty()
    }

    /// The button and, when open, the popover. Gives whether the pane's settings changed.
    /// Settings that the pane's model is known not to take are marked, given the protocol it speaks.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        pane: &mut Pane,
        number: usize,
        dialect: Option<DialectId>,
    ) -> bool {
        let set = count_sent(&pane.params, &pane.tools) + usize::from(pane.cold);
        let name = format!("Parameters of pane {number}");
        let button = icon_toggle(ui, theme, icons::PARAMS, &name, set > 0);
        self.mark_ui(ui, theme, &button, set);
        let mut changed = false;
        let popup = Popup::from_toggle_button_response(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name(name)
            .width(WIDTH + SCROLL_BAR);
        let shown = popup.show(|ui| {
            let form = self
                .form
                .get_or_insert_with(|| ParamsForm::of(&pane.params, &pane.tools));
            let before = form.clone();
            let height = (ui.ctx().content_rect().height() - 140.0).clamp(200.0, 560.0);
            ui.set_width(WIDTH + SCROLL_BAR);
            ScrollArea::vertical()
                .auto_shrink([false, true])
                .max_height(height)
                .min_scrolled_height(height)
                .show(ui, |ui| {
                    // The scroll bar floats over what is at the right.
                    ui.set_width(WIDTH);
                    form_ui(ui, theme, form, &self.problems, pane, dialect);
                    if let Some(dialect) = dialect {
                        left_out::settings_ui(ui, theme, dialect, pane);
                    }
                    changed |= connection_ui(ui, theme, pane);
                });
            if *form != before {
                match form.read() {
                    Ok((params, tools)) => {
                        changed |= pane.params != params || pane.tools != tools;
                        pane.params = params;
                        pane.tools = tools;
                        self.problems.clear();
                    }
                    Err(problems) => self.problems = problems,
                }
            }
        });
        if shown.is_none() && self.problems.is_empty() {
            self.form = None;
        }
        changed
    }

    /// A number for what is set, a warning for what can't be.
    fn mark_ui(&self, ui: &Ui, theme: &Theme, button: &Response, set: usize) {
        if self.has_problem() {
            let at = button.rect.right_top() + vec2(-6.0, 7.0);
            ui.painter().circle_filled(at, 3.5, theme.bad);
        } else if set > 0 {
            let at = button.rect.right_top() + vec2(-5.0, 7.0);
            ui.painter().circle_filled(at, 2.5, theme.accent);
        }
    }
}

/// Whether requests open connections of their own; gives whether that changed.
fn connection_ui(ui: &mut Ui, theme: &Theme, pane: &mut Pane) -> bool {
    let before = pane.cold;
    ui.label(caption(theme, "Connection"))
        .on_hover_text("A new connection makes a run cold: its TTFT contains the handshakes");
    let choices = [(false, "Reuse"), (true, "New for each request")];
    segmented(ui, theme, "Connection", &mut pane.cold, &choices);
    pane.cold != before
}

fn problem_of<'a>(problems: &'a [Problem], field: &str) -> Option<&'a str> {
    problems.iter().find(|p| p.0 == field).map(|p| p.1.as_str())
}

fn form_ui(
    ui: &mut Ui,
    theme: &Theme,
    form: &mut ParamsForm,
    problems: &[Problem],
    pane: &Pane,
    dialect: Option<DialectId>,
) {
    let problem = |field| problem_of(problems, field);
    ui.spacing_mut().item_spacing = vec2(space::S, 6.0);
    ui.horizontal(|ui| {
        ui.label(heading("Parameters"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ghost_button(ui, theme, "Clear all").clicked() {
                *form = ParamsForm::of(&crate::chat::Params::default(), &[]);
            }
        });
    });
    let text = "An empty field is not sent: the provider's default holds";
    ui.label(caption(theme, text));
    numbers_ui(ui, theme, form, problems);
    effort_ui(ui, theme, &mut form.effort, pane, dialect);
    let label = "Stop strings, one a line";
    area_ui(
        ui,
        theme,
        label,
        &mut form.stop,
        "not sent",
        problem("stop"),
    );
    format_ui(ui, theme, form, problem("schema"));
    let label = "Tools (JSON array)";
    area_ui(
        ui,
        theme,
        label,
        &mut form.tools,
        "not sent",
        problem("tools"),
    );
    // A wish that another protocol does not heed can be taken back.
    let asks = dialect.is_some_and(|dialect| dialect.dialect().asks_to_cache);
    if asks || form.cache.is_some() {
        ui.label(caption(theme, "Prompt caching"));
        let choices = [
            (None, "Not sent"),
            (Some(CacheLife::Minutes), "5 minutes"),
            (Some(CacheLife::Hour), "1 hour"),
        ];
        segmented(ui, theme, "Prompt caching", &mut form.cache, &choices);
    }
    let label = "Extra JSON, merged into the body last";
    area_ui(
        ui,
        theme,
        label,
        &mut form.extra,
        "not sent",
        problem("extra"),
    );
}

fn numbers_ui(ui: &mut Ui, theme: &Theme, form: &mut ParamsForm, problems: &[Problem]) {
    let mut pairs = [
        [
            ("Temperature", "temperature", &mut form.temperature),
            ("Top p", "top_p", &mut form.top_p),
        ],
        [
            ("Max tokens", "max_tokens", &mut form.max_tokens),
            ("Seed", "seed", &mut form.seed),
        ],
    ];
    for pair in &mut pairs {
        ui.columns(2, |columns| {
            for (column, (label, field, text)) in columns.iter_mut().zip(pair) {
                let problem = problem_of(problems, field);
                labeled_field(column, theme, label, text, "not sent", problem);
            }
        });
    }
}

fn format_ui(ui: &mut Ui, theme: &Theme, form: &mut ParamsForm, problem: Option<&str>) {
    ui.label(caption(theme, "Response format"));
    let choices = [
        (Shape::NotSent, "Not sent"),
        (Shape::Object, "JSON object"),
        (Shape::Schema, "JSON schema"),
    ];
    segmented(ui, theme, "Response format", &mut form.shape, &choices);
    if form.shape == Shape::Schema {
        ui.horizontal(|ui| {
            let edit = TextEdit::singleline(&mut form.schema_name).desired_width(180.0);
            ui.add(edit.margin(vec2(8.0, 5.0)))
                .accessible_name("Schema name")
                .on_hover_text("The schema's name: 1 to 64 letters, digits, _ or -");
            ui.checkbox(&mut form.strict, "Strict").on_hover_text(
                "The provider must hold the answer to the schema; what it then takes of JSON schema is less",
            );
        });
        schema_tools_ui(ui, theme, &mut form.schema);
        let hint = "{ \"type\": \"object\", … }";
        area_ui(ui, theme, "JSON schema", &mut form.schema, hint, problem);
        if form.strict {
            for note in strict_notes(&form.schema) {
                ui.label(caption(theme, note));
            }
        }
    }
}

/// What lays the schema out, and what it can start from. Buttons in a row: a menu would close the popover.
fn schema_tools_ui(ui: &mut Ui, theme: &Theme, schema: &mut String) {
    ui.horizontal(|ui| {
        let out = laid_out(schema);
        let format = ui.add_enabled_ui(out.is_some(), |ui| ghost_button(ui, theme, "Format"));
        let format = (format.inner)
            .accessible_name("Format the schema")
            .on_hover_text("Lay the schema out over lines, its keys in their order")
            .on_disabled_hover_text("Only what reads as JSON can be laid out");
        if format.clicked()
            && let Some(out) = out
        {
            *schema = out;
        }
        ui.label(caption(theme, "Start from"));
        let free = takes_template(schema);
        for template in &TEMPLATES {
            let button = ui.add_enabled_ui(free, |ui| ghost_button(ui, theme, template.label));
            let button = (button.inner)
                .accessible_name(format!("Template: {}", template.label))
                .on_hover_text(template.meaning)
                .on_disabled_hover_text("Empty the schema first: a template takes its place");
            if button.clicked() {
                template.schema.clone_into(schema);
            }
        }
    });
}

fn effort_ui(
    ui: &mut Ui,
    theme: &Theme,
    effort: &mut String,
    pane: &Pane,
    dialect: Option<DialectId>,
) {
    ui.label(caption(theme, "Reasoning effort"));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 6.0;
        let hint = RichText::new("not sent").color(theme.text_dim);
        let edit = TextEdit::singleline(effort)
            .hint_text(hint)
            .desired_width(70.0);
        ui.add(edit.margin(vec2(8.0, 5.0)))
            .accessible_name("Reasoning effort");
        // Buttons in a row: a menu would close the popover.
        for word in efforts(dialect) {
            let button = ghost_button(ui, theme, word)
                .accessible_name(format!("Reasoning effort: {word}"))
                .on_hover_text("Any other word, or a number of tokens, can be typed");
            if button.clicked() {
                (*word).clone_into(effort);
            }
        }
    });
    let (Some(dialect), Some(target)) = (dialect, &pane.target) else {
        return;
    };
    let request = ChatRequest {
        params: pane.params.clone(),
        ..ChatRequest::of_text(&target.model, "")
    };
    let changes = effort_sent(dialect, &request);
    if !changes.is_empty() {
        let text = format!("Sent as {}", changes.join(" · "));
        ui.add(egui::Label::new(caption(theme, text)).wrap());
    }
}

fn area_ui(
    ui: &mut Ui,
    theme: &Theme,
    label: &str,
    text: &mut String,
    hint: &str,
    problem: Option<&str>,
) {
    ui.label(caption(theme, label));
    ui.scope(|ui| {
        if problem.is_some() {
            ui.visuals_mut().widgets.inactive.bg_stroke.color = theme.bad;
        }
        let rows = text.lines().count().clamp(2, 8);
        let hint = RichText::new(hint).color(theme.text_dim).size(size::SMALL);
        let edit = TextEdit::multiline(text)
            .code_editor()
            .hint_text(hint)
            .desired_rows(rows)
            .lock_focus(false)
            .desired_width(f32::INFINITY);
        ui.add(edit.margin(vec2(8.0, 5.0))).accessible_name(label);
    });
    if let Some(problem) = problem {
        ui.label(RichText::new(problem).size(size::SMALL).color(theme.bad));
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::desktop::theme::{self, DARK};

    /// The part on the response's format, with this schema in it.
    fn shown(schema: &str) -> Harness<'static, ParamsForm> {
        let form = ParamsForm {
            shape: Shape::Schema,
            schema: schema.to_owned(),
            strict: true,
            ..ParamsForm::default()
        };
        let mut harness = Harness::builder()
            .with_size([360.0, 600.0])
            .with_context_setup(theme::install)
            .build_ui_state(
                |ui, form: &mut ParamsForm| format_ui(ui, &DARK, form, None),
                form,
            );
        harness.run_steps(2);
        harness
    }

    #[test]
    fn a_template_takes_an_empty_schemas_place() {
        let mut harness = shown("");
        harness.get_by_label("Template: List").click();
        harness.run_steps(2);
        assert_eq!(harness.state().schema, TEMPLATES[1].schema);
        harness.get_by_label("Template: Words").click();
        harness.run_steps(2);
        assert_eq!(harness.state().schema, TEMPLATES[2].schema);
        let mut harness = shown("{}");
        harness.get_by_label("Template: List").click();
        harness.run_steps(2);
        assert_eq!(harness.state().schema, "{}", "what was typed stays");
    }

    #[test]
    fn a_schema_is_laid_out_and_strict_mode_speaks_below() {
        let mut harness = shown(r#"{"type":"object","properties":{"a":{}}}"#);
        harness.get_by_label_contains("Strict mode wants “a” in “required”");
        harness.get_by_label("Format the schema").click();
        harness.run_steps(2);
        let start = "{\n  \"type\": \"object\",\n  \"properties\": {";
        assert!(harness.state().schema.starts_with(start));
        harness.get_by_label("Strict").click();
        harness.run_steps(2);
        assert!(harness.query_by_label_contains("Strict mode").is_none());
    }
}
