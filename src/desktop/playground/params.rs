//! The popover with a pane's request settings.

use egui::{Popup, PopupCloseBehavior, Response, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{
    left_out,
    params_area::area_ui,
    params_check::{EffortSent, ParamsCheck},
    params_form::{ParamsForm, Shape, count_sent},
    params_reading::{PaneSettings, ParamsReading},
    schema_form::{TEMPLATES, laid_out, takes_template},
};
use crate::{
    chat::CacheLife,
    conversation::Pane,
    desktop::{
        icons,
        theme::{Theme, caption, heading, space},
        view::Cx,
        widgets::{ghost_button, icon_toggle, labeled_field, segmented},
    },
    dialect::DialectId,
    engine::Command,
};

/// The form's width, and the room beside it that the scroll bar takes.
const WIDTH: f32 = 336.0;
const SCROLL_BAR: f32 = 14.0;
/// The words for reasoning effort that are offered while no protocol is chosen.
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high"];

/// The settings popover of one pane: what is typed in it, until all of it reads.
#[derive(Debug, Default)]
pub struct ParamsPopover {
    /// Kept while open, and while something in it can't be sent or is being checked.
    form: Option<ParamsForm>,
    check: ParamsCheck,
    /// Whether what is being checked was typed here: the pane does not have it yet.
    typed: bool,
    /// Whether the settings that the pane came with were checked, or are being.
    met: bool,
    effort: EffortSent,
}

impl ParamsPopover {
    /// Whether something typed can't be sent.
    pub fn has_problem(&self) -> bool {
        self.check.has_problem()
    }

    /// Whether it is not known yet if what is typed can be sent.
    pub fn is_checking(&self) -> bool {
        self.check.is_pending()
    }

    /// Has what the pane came with checked, once, and takes in what the engine said. Gives whether the pane's settings
    /// changed.
    pub fn take_in(&mut self, pane: &mut Pane, commands: &mut Vec<Command>) -> bool {
        if !std::mem::replace(&mut self.met, true) {
            let reading = ParamsReading::of(&pane.params, &pane.tools);
            self.check.begin(reading, commands);
        }
        let settings = self.check.take().filter(|_| self.typed);
        settings.is_some_and(|settings| set(pane, settings))
    }

    /// Gives the pane what is being checked all the same, since what becomes of the pane is checked again. Gives whether
    /// its settings changed.
    pub fn keep_unchecked(&self, pane: &mut Pane) -> bool {
        let settings = self.check.unchecked().filter(|_| self.typed);
        settings.is_some_and(|settings| set(pane, settings))
    }

    /// The button and, when open, the popover. Gives whether the pane's settings changed.
    /// Settings that the pane's model is known not to take are marked, given the protocol it speaks.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        pane: &mut Pane,
        number: usize,
        dialect: Option<DialectId>,
    ) -> bool {
        let (theme, commands) = (cx.theme, &mut *cx.commands);
        let set_count = count_sent(&pane.params, &pane.tools) + usize::from(pane.cold);
        let name = format!("Parameters of pane {number}");
        let button = icon_toggle(ui, theme, icons::PARAMS, &name, set_count > 0);
        self.mark_ui(ui, theme, &button, set_count);
        let mut changed = false;
        let popup = Popup::from_toggle_button_response(&button)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name(name)
            .width(WIDTH + SCROLL_BAR);
        let shown = popup.show(|ui| {
            let form = self.form.get_or_insert_with(|| {
                // They may be others than those that were checked last.
                let reading = ParamsReading::of(&pane.params, &pane.tools);
                self.check.begin(reading, commands);
                self.typed = false;
                ParamsForm::of(&pane.params, &pane.tools)
            });
            let before = form.clone();
            let sent_as = self.effort.of(dialect, pane, commands);
            let height = (ui.ctx().content_rect().height() - 140.0).clamp(200.0, 560.0);
            ui.set_width(WIDTH + SCROLL_BAR);
            ScrollArea::vertical()
                .auto_shrink([false, true])
                .max_height(height)
                .min_scrolled_height(height)
                .show(ui, |ui| {
                    // The scroll bar floats over what is at the right.
                    ui.set_width(WIDTH);
                    form_ui(ui, theme, form, &self.check, (dialect, sent_as));
                    if let Some(dialect) = dialect {
                        left_out::settings_ui(ui, theme, dialect, pane);
                    }
                    changed |= connection_ui(ui, theme, pane);
                });
            if *form != before {
                self.typed = true;
                let settings = self.check.begin(form.read(), commands);
                changed |= settings.is_some_and(|settings| set(pane, settings));
            }
        });
        if shown.is_none() && !self.has_problem() && !self.is_checking() {
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

/// Gives a pane these settings; gives whether they are others than it had.
fn set(pane: &mut Pane, (params, tools): PaneSettings) -> bool {
    let changed = pane.params != params || pane.tools != tools;
    (pane.params, pane.tools) = (params, tools);
    changed
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

fn form_ui(
    ui: &mut Ui,
    theme: &Theme,
    form: &mut ParamsForm,
    check: &ParamsCheck,
    (dialect, sent_as): (Option<DialectId>, &[String]),
) {
    ui.spacing_mut().item_spacing = vec2(space::S, 6.0);
    ui.horizontal(|ui| {
        ui.label(heading("Parameters"));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if ghost_button(ui, theme, "Clear all").clicked() {
                *form = ParamsForm::of(&crate::chat::Params::default(), &[]);
            }
        });
    });
    let text = "An empty field is not sent: the provider’s default holds";
    ui.label(caption(theme, text));
    numbers_ui(ui, theme, form, check);
    effort_ui(ui, theme, &mut form.effort, dialect, sent_as);
    let area = ("stop", "Stop strings, one a line", "not sent");
    area_ui(ui, theme, area, &mut form.stop, check);
    format_ui(ui, theme, form, check);
    let area = ("tools", "Tools (JSON array)", "not sent");
    area_ui(ui, theme, area, &mut form.tools, check);
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
    let area = ("extra", "Extra JSON, merged into the body last", "not sent");
    area_ui(ui, theme, area, &mut form.extra, check);
}

fn numbers_ui(ui: &mut Ui, theme: &Theme, form: &mut ParamsForm, check: &ParamsCheck) {
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
                let problem = check.problem(field);
                labeled_field(column, theme, label, text, "not sent", problem);
            }
        });
    }
}

fn format_ui(ui: &mut Ui, theme: &Theme, form: &mut ParamsForm, check: &ParamsCheck) {
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
                .on_hover_text("The schema’s name: 1 to 64 letters, digits, _ or -");
            ui.checkbox(&mut form.strict, "Strict").on_hover_text(
                "The provider must hold the answer to the schema; what it then takes of JSON schema is less",
            );
        });
        schema_tools_ui(ui, theme, &mut form.schema);
        let area = ("schema", "JSON schema", "{ \"type\": \"object\", … }");
        area_ui(ui, theme, area, &mut form.schema, check);
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
    dialect: Option<DialectId>,
    sent_as: &[String],
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
        for word in dialect.map_or(EFFORTS, |dialect| dialect.dialect().efforts) {
            let button = ghost_button(ui, theme, word)
                .accessible_name(format!("Reasoning effort: {word}"))
                .on_hover_text("Any other word, or a number of tokens, can be typed");
            if button.clicked() {
                (*word).clone_into(effort);
            }
        }
    });
    if !sent_as.is_empty() {
        let text = format!("Sent as {}", sent_as.join(" · "));
        ui.add(egui::Label::new(caption(theme, text)).wrap());
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::{Harness, kittest::Queryable as _};

    use super::*;
    use crate::desktop::theme::{self, DARK};

    /// The part on the response's format, over an engine that answers at once.
    fn checked_ui(ui: &mut Ui, form: &mut ParamsForm, check: &mut ParamsCheck) {
        format_ui(ui, &DARK, form, check);
        let mut commands = Vec::new();
        check.begin(form.read(), &mut commands);
        for command in commands {
            let Command::Compute(command) = command else {
                panic!("{command:?}");
            };
            command.answer();
        }
        check.take();
    }

    /// The same, with this schema in it.
    fn shown(schema: &str) -> Harness<'static, ParamsForm> {
        let form = ParamsForm {
            shape: Shape::Schema,
            schema_name: "answer".to_owned(),
            schema: schema.to_owned(),
            strict: true,
            ..ParamsForm::default()
        };
        let mut harness = Harness::builder()
            .with_size([360.0, 600.0])
            .with_context_setup(theme::install)
            .build_ui_state(
                {
                    let mut check = ParamsCheck::default();
                    move |ui, form: &mut ParamsForm| checked_ui(ui, form, &mut check)
                },
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
