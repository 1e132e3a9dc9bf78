//! The fields that are collapsed at first: route, proxy, HTTP, time limits, headers, where a key comes from.

use egui::{CollapsingHeader, TextEdit, Ui};

use super::super::{
    draft::{EndpointDraft, Field, LIMITS, Problems},
    form::captioned_field,
};
use crate::{
    desktop::{
        icons,
        theme::{Theme, caption, space},
        widgets::{ghost_button, icon_button, labeled_field, problem_ui, segmented},
    },
    transport::HttpVersion,
};

/// Shows the fields that most endpoints don't need. They expand by themselves if one of them has a problem.
pub fn advanced_ui(ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft, problems: &Problems) {
    ui.add_space(space::S);
    let hidden = [Field::Proxy, Field::Headers, Field::Timeouts];
    let open = hidden
        .iter()
        .any(|field| problems.contains_key(field))
        .then_some(true);
    CollapsingHeader::new("Advanced")
            .open(open)
            .show_unindented(ui, |ui| {
                let problem = |field: Field| problems.get(&field).map(String::as_str);
                ui.add_space(space::XS);
                ui.columns_const(|[left, right]| {
                    labeled_field(
                        left,
                        theme,
                        "Route",
                        &mut draft.route,
                        "direct, via gateway, …",
                        None,
                    )
                    .on_hover_text("Your own label for how it is reached; shown with every run");
                    labeled_field(
                        right,
                        theme,
                        "Proxy",
                        &mut draft.proxy,
                        "socks5://host:port",
                        problem(Field::Proxy),
                    );
                });
                ui.add_space(space::S);
                ui.columns_const(|[left, right]| {
                    labeled_field(
                        left,
                        theme,
                        "CA file",
                        &mut draft.ca_file,
                        "/etc/ssl/company.pem",
                        None,
                    )
                    .on_hover_text("PEM file with additional certificate authorities to trust");
                    http_ui(right, theme, draft);
                });
                ui.add_space(space::S);
                limits_ui(ui, theme, draft);
                problem_ui(ui, theme, problem(Field::Timeouts));
                ui.add_space(space::S);
                headers_ui(ui, theme, draft);
                problem_ui(ui, theme, problem(Field::Headers));
                ui.add_space(space::S);
                labeled_field(
                    ui,
                    theme,
                    "Environment variables of the key",
                    &mut draft.key_env,
                    "OPENAI_API_KEY",
                    None,
                );
                ui.add_space(space::S);
                let takes = "Command that prints the key: program and arguments, one per line; no shell. Or Google’s \
                     credentials: google:adc, google:metadata, or google:file and the path of a service account’s file";
                let command = TextEdit::multiline(&mut draft.key_command)
                    .desired_rows(2)
                    .font(egui::TextStyle::Monospace);
                captioned_field(ui, theme, ("Key command", takes), command);
            });
}

fn http_ui(ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
    ui.vertical(|ui| {
        ui.label(caption(theme, "HTTP version"));
        let versions = [
            (HttpVersion::Auto, "Auto"),
            (HttpVersion::Http1, "1.1"),
            (HttpVersion::Http2, "2"),
        ];
        segmented(ui, theme, "HTTP version", &mut draft.http, &versions);
    });
}

fn limits_ui(ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
    ui.label(caption(theme, "Time limits in milliseconds; 0 means none"));
    ui.columns_const::<4, _>(|columns| {
        for ((column, text), (name, hover)) in columns.iter_mut().zip(&mut draft.limits).zip(LIMITS)
        {
            labeled_field(column, theme, name, text, "0", None).on_hover_text(hover);
        }
    });
}

fn headers_ui(ui: &mut Ui, theme: &Theme, draft: &mut EndpointDraft) {
    ui.label(caption(
        theme,
        "Additional headers; a value may contain ${VARIABLE}",
    ));
    let mut removed = None;
    for (index, (name, value)) in draft.headers.iter_mut().enumerate() {
        ui.push_id(index, |ui| {
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 44.0) / 3.0;
                let margin = egui::vec2(8.0, 4.0);
                ui.add(
                    TextEdit::singleline(name)
                        .desired_width(width)
                        .margin(margin)
                        .hint_text("Name"),
                )
                .accessible_name(format!("Header {} name", index + 1));
                ui.add(
                    TextEdit::singleline(value)
                        .desired_width(width * 2.0 - 40.0)
                        .margin(margin)
                        .hint_text("Value"),
                )
                .accessible_name(format!("Header {} value", index + 1));
                if icon_button(
                    ui,
                    theme,
                    icons::CLOSE,
                    &format!("Remove header {}", index + 1),
                )
                .clicked()
                {
                    removed = Some(index);
                }
            });
        });
    }
    if let Some(index) = removed {
        draft.headers.remove(index);
    }
    if ghost_button(ui, theme, &format!("{} Add a header", icons::ADD)).clicked() {
        draft.headers.push(Default::default());
    }
}
