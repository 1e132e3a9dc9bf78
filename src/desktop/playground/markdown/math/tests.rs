//! What is drawn, what stays source, and how often it is typeset.

use std::cell::Cell;

use super::*;

thread_local! {
    static TYPESETTINGS: Cell<usize> = const { Cell::new(0) };
    static DRAWINGS: Cell<usize> = const { Cell::new(0) };
}

/// Counts a formula that is typeset.
pub fn note_typesetting() {
    TYPESETTINGS.set(TYPESETTINGS.get() + 1);
}

/// Counts a formula that is drawn anew.
pub fn note_drawing() {
    DRAWINGS.set(DRAWINGS.get() + 1);
}

/// How many formulas this thread has typeset and drawn anew since it was asked last.
pub fn work() -> [usize; 2] {
    [TYPESETTINGS.take(), DRAWINGS.take()]
}

/// What answers of models hold.
pub const FORMULAS: &[&str] = &[
    r"x^2 + y_1 = \sqrt{z} \neq \sqrt[3]{2}",
    r"\frac{-b \pm \sqrt{b^2 - 4ac}}{2a}",
    r"\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{bmatrix} 1 \\ 2 \end{bmatrix}",
    r"f(x) = \begin{cases} x^2 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
    r"\begin{aligned} a &= b + c \\ &= d \end{aligned}",
    r"\begin{align} a &= b \\ c &= d \end{align}",
    r"\sum_{i=1}^{n} i = \prod_{k} k \int_0^\infty e^{-x^2}\,dx \oint_C \iint",
    r"\lim_{n \to \infty} \left( 1 + \frac{1}{n} \right)^n = e",
    r"\hat{x} \bar{y} \vec{v} \tilde{a} \dot{q} \ddot{q} \overline{ab} \widehat{abc} \underline{x}",
    r"\alpha \beta \gamma \Gamma \Delta \epsilon \varepsilon \theta \lambda \mu \pi \sigma \phi \omega \Omega",
    r"\mathbb{R} \mathcal{L} \mathfrak{g} \mathbf{x} \mathrm{d} \mathsf{T} \mathtt{t} \boldsymbol{\alpha}",
    r"\underbrace{a + b}_{n} \overbrace{c + d}^{m} \xrightarrow{f} \overrightarrow{AB}",
    r"A \subseteq B \cup C \cap D \setminus E \in F \notin G \forall x \exists y \Rightarrow \iff \mapsto",
    r"\left\lfloor \frac{a}{b} \right\rfloor \left\| x \right\| \langle u, v \rangle \binom{n}{k}",
    r"\operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}} \quad \log_2 \sin \max_{x} \argmax",
    r"\boxed{E = mc^2} \color{red}{y} \textcolor{blue}{z} \tag{1}",
    r"a \cdot b \times c \leq d \geq e \approx f \propto g \ldots \cdots \vdots \ddots \nabla \partial",
    r"\left[ \begin{array}{cc|c} 1 & 0 & 2 \\ \hline 0 & 1 & 3 \end{array} \right]",
    r"P(A \mid B) = \dfrac{P(B \mid A) P(A)}{P(B)}, \; \tfrac{1}{2}, \; \text{50\% of } \$5",
    r"\begin{vmatrix} a & b \\ c & d \end{vmatrix} = \det \begin{Bmatrix} x \end{Bmatrix} \substack{a \\ b}",
];

#[test]
fn what_answers_hold_is_drawn() {
    for tex in FORMULAS {
        for source in [format!("$${tex}$$"), format!("\\[{tex}\\]")] {
            let formula = formula_of(&source).unwrap_or_else(|| panic!("not drawn: {source}"));
            assert!(formula.display && formula.width > 0.5, "{source}");
            assert!(!formula.marks.is_empty(), "{source}");
        }
    }
    let inline = formula_of(r"$\frac{1}{2}$").unwrap();
    let display = formula_of(r"$$\frac{1}{2}$$").unwrap();
    assert!(!inline.display && inline.ascent < display.ascent);
}

#[test]
fn what_is_unknown_or_hostile_stays_source() {
    let deep =
        |open: &str, close: &str, n: usize| format!("${}x{}$", open.repeat(n), close.repeat(n));
    let mut hostile = vec![
        r"$\unknowncommand{x}$".to_owned(),
        r"$\frac{1}$".to_owned(),
        r"$x^{2$".to_owned(),
        r"$\left( x$".to_owned(),
        r"$\begin{matrix} a$".to_owned(),
        r"$\begin{nosuch} a \end{nosuch}$".to_owned(),
        r"$\rule{1000000em}{1000000em}$".to_owned(),
        r"$x \hspace{99999em} y$".to_owned(),
        format!("${}$", "x".repeat(100_000)),
        format!("$x{}$", "\u{301}".repeat(900)),
        format!("$x{}$", "^".repeat(900)),
    ];
    for n in [33, 400, 1_000, 30_000] {
        for (open, close) in [
            ("{", "}"),
            ("\\left(", "\\right)"),
            ("\\sqrt", ""),
            ("\\sqrt{", "}"),
            ("\\frac12\\sqrt", ""),
            ("\\hat", ""),
            ("\\mathbf", ""),
            ("x^", ""),
            ("x_{", "}"),
            ("\\begin{matrix}", "\\end{matrix}"),
            ("\\text{$", "$}"),
            ("\\displaystyle{", "}"),
            ("\\overline", ""),
            ("\\not", ""),
            ("\\mathrel", ""),
        ] {
            hostile.push(deep(open, close, n));
        }
    }
    for source in hostile {
        let head: String = source.chars().take(40).collect();
        assert!(formula_of(&source).is_none(), "drawn: {head}");
    }
}

/// Cut and mixed formulas: none takes the program with it.
#[test]
fn any_piece_of_a_formula_is_drawn_or_stays_source() {
    for tex in FORMULAS {
        for (cut, _) in tex.char_indices() {
            let (head, tail) = tex.split_at(cut);
            for source in [head, tail] {
                let _ = formula_of(&format!("$${source}$$"));
            }
            let other = FORMULAS[cut % FORMULAS.len()];
            let _ = formula_of(&format!("$${head}{other}{tail}$$"));
        }
    }
}

#[test]
fn a_formula_is_typeset_once() {
    work();
    for _ in 0..3 {
        assert!(formula_of(r"$once_{typeset}$").is_some());
        assert!(formula_of(r"$\neverdrawn$").is_none());
    }
    assert_eq!(work()[0], 2);
}

#[test]
fn the_cache_keeps_what_was_asked_for_last() {
    let mut typeset = Typeset {
        known: None,
        clock: 0,
    };
    work();
    let names = |n: usize| format!("$x_{{{n}}}$");
    for n in 0..KEPT + KEPT / 4 {
        typeset.formula_of(&names(n));
        typeset.formula_of(&names(0));
    }
    assert!(
        typeset
            .known
            .as_ref()
            .is_some_and(|known| known.len() <= KEPT)
    );
    assert_eq!(work()[0], KEPT + KEPT / 4, "the first was never forgotten");
}
