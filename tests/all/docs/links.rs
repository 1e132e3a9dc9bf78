//! Links between the documents: each leads to a file that is there, and to a heading in it.

use std::{collections::BTreeSet, path::Path};

use super::{pages, read, root};

/// The lines of a page that are not inside a fenced block of code, with their inline code left out.
fn prose(text: &str) -> Vec<String> {
    let mut is_code = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            lines.push(line.split('`').step_by(2).collect());
        }
    }
    lines
}

/// Where the links and pictures of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let behind = prose.iter().flat_map(|line| line.split("](").skip(1));
    behind
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect()
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if is_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor = anchor(title.trim());
        let again = (1..).map(|n| format!("{anchor}-{n}"));
        let mut names = std::iter::once(anchor.clone()).chain(again);
        anchors.insert(names.find(|name| !anchors.contains(name)).unwrap());
    }
    anchors
}

fn anchor(title: &str) -> String {
    let lower = title.to_lowercase();
    let kept = lower.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c => c.is_alphanumeric().then_some(c),
    });
    kept.collect()
}

/// The page's path from the project's folder, given one that starts at a folder in it.
fn resolved(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            ".." => assert!(parts.pop().is_some(), "{from}: {path} leads out"),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a link of a page leads to: a path from the project's folder and an anchor. `None` if it leads elsewhere.
fn target(page: &str, link: &str) -> Option<(String, String)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = match path {
        "" => page.to_owned(),
        path => resolved(page, path),
    };
    Some((path, anchor.to_owned()))
}

/// What is wrong with a link, if anything is.
fn problem(page: &str, link: &str) -> Option<String> {
    let (path, anchor) = target(page, link)?;
    if !root().join(&path).exists() {
        return Some(format!("{page}: {link}: there is no {path}"));
    }
    let has_it = anchor.is_empty() || anchors(&read(&path)).contains(&anchor);
    (!has_it).then(|| format!("{page}: {link}: no such heading"))
}

fn all_pages() -> BTreeSet<String> {
    let mut all = pages();
    all.extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(String::from));
    all
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    let mut problems = Vec::new();
    for page in all_pages() {
        let links = links(&read(&page));
        count += links.len();
        problems.extend(links.iter().filter_map(|link| problem(&page, link)));
    }
    assert!(count > 60, "{count} links");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let mut reached = BTreeSet::new();
    let mut waiting = vec!["README.md".to_owned()];
    while let Some(page) = waiting.pop() {
        if !reached.insert(page.clone()) || Path::new(&page).extension().is_none_or(|e| e != "md") {
            continue;
        }
        let links = links(&read(&page));
        waiting.extend(links.iter().filter_map(|link| Some(target(&page, link)?.0)));
    }
    let lost: Vec<_> = all_pages().difference(&reached).cloned().collect();
    assert!(lost.is_empty(), "no link leads to {lost:?}");
}

#[test]
fn a_broken_link_is_found() {
    let page = "docs/figures.md";
    for (link, is_broken) in [
        ("../README.md", false),
        ("figures.md#rules", false),
        ("#rules", false),
        ("https://example.com/x#y", false),
        ("nothing.md", true),
        ("../README.md#nothing", true),
        ("#nothing", true),
    ] {
        assert_eq!(problem(page, link).is_some(), is_broken, "{link}");
    }
    let text = "[a](b.md) and ![c](d.png)\n`[no](e)`\n```\n[no](f)\n```\n[g](h#i)";
    assert_eq!(links(text), ["b.md", "d.png", "h#i"]);
    let headings = "# How exact, *really*?\n## A\n```\n# no\n```\n### A\n#no";
    let wanted = ["how-exact-really", "a", "a-1"].map(String::from);
    assert_eq!(anchors(headings), BTreeSet::from(wanted));
}
