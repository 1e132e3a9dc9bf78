//! Pictures of the playground in `target/pictures`, to be looked at.

use std::time::Duration;

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};
use tokenscope::{
    chat::Media,
    desktop::theme,
    dialect::DialectId,
    engine::{HistoryNews, Update},
    event::{About, Event, Fault, FaultClass, Finish, FinishReason, Note, Phase, Usage},
    history::OtherProcesses,
    run::ConnectionKind,
};

use super::{
    Course, Rig, ask, attach, calls, ended, put, put_loaded, rig::built, settings, streaming,
    tool_call, type_prompt, waiting, wheel,
};
use crate::desktop::{player::drawn, scenes::whole_answer};

const SIZES: [[f32; 2]; 3] = [[1280.0, 800.0], [900.0, 600.0], [1920.0, 1080.0]];

const LONG: &str = "## Why the first token is slow\n\nA request passes **three queues** before a token \
exists: the *network*, the [scheduler](https://example.com/scheduling) and the prefill. Only the last one grows \
with the prompt.\n\n1. The connection is opened: DNS, TCP, TLS\n2. The prompt is read (*prefill*), which is \
compute-bound:\n   - attention over all `n` tokens\n   - a KV cache is written\n3. Tokens are decoded one by one\n\n\
| Phase | Bound by | Typical |\n|:------|:---------|--------:|\n| Connect | round trips | 90 ms |\n| Prefill | \
compute | 180 ms |\n| Decode | memory bandwidth | 12 ms a token |\n\n```rust\n/// Time to first token.\nfn \
ttft(run: &Run) -> Option<Duration> {\n    let first = run.stamps.first_token?; // never 0\n    Some(first - \
run.stamps.started)\n}\n```\n\n> A figure that is not known is blank, never zero.\n\nSo a *longer prompt* costs \
time before the first token, and a *longer answer* after it.\n";

const CHINESE: &str = "## 首个词元为什么慢\n\n请求在产生第一个词元之前要经过**三个队列**：网络、调度器和预填充。\n\n- 建立连接：DNS、TCP、TLS\n- 读取提示词（*预填充*），受计算能力限制\n- 逐个解码词元，受内存带宽限制\n\n| 阶段 | 瓶颈 | 典型值 |\n|---|---|---:|\n| 连接 | 往返时间 | 90 毫秒 |\n| 预填充 | 计算 | 180 毫秒 |\n\n```python\ndef 首词延迟(运行):\n    return 运行.首个词元 - 运行.开始\n```\n";

fn scene(fill: Fill, size: [f32; 2]) -> Harness<'static, Rig> {
    let builder = Harness::builder()
        .with_size(size)
        .with_max_steps(30)
        .with_context_setup(|ctx| {
            theme::install(ctx);
            tokenscope::desktop::fonts::install_system_fonts_now(ctx);
        })
        .wgpu();
    let mut harness = built(builder, Rig::new(settings()));
    fill(&mut harness);
    harness.run_steps(4);
    // Grammars are read on a thread of their own.
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(30));
        harness.run_steps(1);
    }
    harness
}

type Fill = fn(&mut Harness<'_, Rig>);

const SCENES: &[(&str, Fill)] = &[
    ("first", |_| ()),
    ("streaming", half_way),
    ("four", four),
    ("chinese", chinese),
    ("errors", errors),
    ("reasoning", reasoning),
    ("parts", parts),
    ("picker", picker),
    ("params", params),
    ("schema", schema),
    ("raw-body", raw_body),
    ("address", address),
    ("results", results),
    ("files", files),
    ("anthropic", anthropic),
    ("alone", alone),
    ("two-turns", two_turns),
    ("compared", compared),
    ("costs", costs),
    ("eight", eight),
    ("eight-streaming", eight_streaming),
    ("large", large),
    ("markdown", markdown),
    ("formulas", formulas),
    ("failed-compared", failed_compared),
    ("eight-idle", |harness| more_panes(harness, 6)),
    ("elsewhere", elsewhere),
    ("pane-menu", |harness| {
        alone_with_two(harness);
        harness.get_by_label("More for pane 1").click();
    }),
    ("turn-menu", |harness| {
        alone_with_two(harness);
        let more = harness.get_all_by_label("More for this turn");
        more.last().unwrap().click();
    }),
];

const MARKDOWN: &str = "# Tables, code and 中文\n\nA sentence with `code`, **bold**, *italics*, ~~struck~~, **重要的中文** \
and https://example.com/a?b=1 in it. Formulas: \\(\\alpha + \\beta\\), $E = mc^2$.\n\n\
| 模型 | Time to first token | What it is bound by, in a sentence that wraps | Price |\n|:--|--:|:--|:-:|\n\
| 首个词元 | 1,234 ms | The network, the scheduler and the prefill of a prompt that is long | $0.15 |\n\
| `gpt-4o-mini` | 307 ms | memory bandwidth | – |\n| a | 9 ms | **b** | [link](https://example.com) |\n\n\
```python\n# A long line of code scrolls within its block and is never wrapped, however narrow the pane may be: 这是一行很长的代码。\n\
def measure(run, *, warm=True, percentile=0.99, include_reasoning=False, unit=\"ms\"): return run.stamps.first_token - run.stamps.started\n\
print(measure(run))\n```\n\n- [x] done\n- [ ] to do\n  1. nested\n  2. again\n\n> 引用：数字不知道时留空，\
绝不写成零。\n\n---\n\nThe end.\n";

/// What a model writes when it is asked for formulas, in text, lists, quotes and tables; the last ones can't be drawn.
const FORMULAS: &str = r"## Formulas in **text**: $\hat{\beta}$

The roots of $ax^2 + bx + c = 0$ are $x = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$, for $a \neq 0$; prices such as $5 and $10 stay.

$$
\int_{-\infty}^{\infty} e^{-x^2}\,dx = \sqrt{\pi}, \qquad \sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}
$$

1. A matrix and cases:
   \[
   A = \begin{pmatrix} a & b \\ c & d \end{pmatrix}, \quad
   |x| = \begin{cases} x & \text{if } x \geq 0 \\ -x & \text{otherwise} \end{cases}
   \]
2. Aligned: $$\begin{aligned} (a + b)^2 &= a^2 + 2ab + b^2 \\ &\geq 4ab \end{aligned}$$
3. 中文里的公式：设 $f: \mathbb{R} \to \mathbb{R}$ 为连续函数，则 $\lim_{h \to 0} f(x + h) = f(x)$。

> Quoted: $\vec{v} \cdot \overline{AB} = \underbrace{1 + \cdots + 1}_{n}$ and $\widehat{xyz} \xrightarrow{n \to \infty} 0$.

| what | formula |
|:--|--:|
| softmax | $\sigma(z)_i = \frac{e^{z_i}}{\sum_j e^{z_j}}$ |
| \(\alpha, \beta, \Gamma\) | $\left\lfloor \frac{n}{2} \right\rfloor$ |

Stays source: $\unknown{x}$, `$x$`, \(\frac{1}{
";

fn formulas(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Show me formulas.");
    put(
        harness,
        ended(&sent[0], FORMULAS, 307, 2310, ConnectionKind::Warm),
    );
    let half = &FORMULAS[..FORMULAS.find("geq 4ab").unwrap()];
    put(harness, streaming(&sent[1], half));
    harness.run_steps(6);
    wheel(harness, 9_000.0);
}

fn alone_with_two(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Why does the first token take so long?");
    for run in &sent {
        put(harness, ended(run, LONG, 307, 2310, ConnectionKind::Warm));
    }
    harness.run_steps(4);
}

fn markdown(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Show me a table, code and 中文。");
    for run in &sent {
        put(
            harness,
            ended(run, MARKDOWN, 307, 2310, ConnectionKind::Warm),
        );
    }
    // From the beginning: panes follow the end.
    harness.run_steps(6);
    wheel(harness, 9_000.0);
}

/// Answers of a provider whose prices are known; the second broke off.
fn costs(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Why does the first token take so long?");
    for (run, model) in sent.iter().zip(["gpt-5", "gpt-5.4"]) {
        let mut course = ended(run, LONG, 307, 2310, ConnectionKind::Warm);
        course.head.simulated = false;
        course.head.url = "https://api.openai.com/v1/chat/completions".into();
        course.head.target.model = model.into();
        if model == "gpt-5.4" {
            let usage = course.usage;
            course = course.failed(Fault::new(FaultClass::Interrupted, Phase::Stream, "gone"));
            course.usage = usage;
        }
        put(harness, course);
    }
    harness.run_steps(4);
}

/// Broken and refused answers under the strip, beside whole ones.
fn failed_compared(harness: &mut Harness<'_, Rig>) {
    more_panes(harness, 2);
    errors(harness);
    let sent = harness.state().sent();
    for (run, ttft) in sent[2..].iter().zip([180, 420]) {
        put(harness, ended(run, LONG, ttft, 2_100, ConnectionKind::Warm));
    }
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
}

/// A run that goes on in another window.
fn elsewhere(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Why does the first token take so long?");
    put(
        harness,
        ended(&sent[0], LONG, 307, 2310, ConnectionKind::Warm),
    );
    put_loaded(harness, &streaming(&sent[1], &LONG[..400]));
    let elsewhere = OtherProcesses {
        also_open: true,
        ..OtherProcesses::default()
    };
    let news = HistoryNews::Elsewhere(elsewhere);
    harness.state_mut().tell(Update::History(news));
}

/// One pane with a long answer, asked twice.
fn alone(harness: &mut Harness<'_, Rig>) {
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::W);
    harness.run_steps(2);
    let sent = ask(harness, "Why does the first token take so long?");
    put(
        harness,
        ended(&sent[0], LONG, 307, 2310, ConnectionKind::Cold),
    );
    harness.run_steps(3);
    let sent = ask(harness, "And the rest?");
    put(
        harness,
        ended(&sent[0], LONG, 212, 1910, ConnectionKind::Warm),
    );
}

fn two_turns(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "How long is the Rhine?");
    for (run, ttft) in sent.iter().zip([307, 309]) {
        let text = "About 1,233 km, from the Alps to the North Sea.";
        put(harness, ended(run, text, ttft, 720, ConnectionKind::Cold));
    }
    harness.run_steps(3);
    let sent = ask(harness, "And the Danube? Answer in one word.");
    put(
        harness,
        ended(&sent[0], "2,850 km.", 190, 240, ConnectionKind::Warm),
    );
    let mut cut = ended(
        &sent[1],
        "It is about two thousand",
        290,
        640,
        ConnectionKind::Warm,
    );
    cut.finish = Some(Finish {
        reason: FinishReason::Length,
        raw: "length".into(),
    });
    put(harness, cut);
}

fn more_panes(harness: &mut Harness<'_, Rig>, more: usize) {
    for _ in 0..more {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
}

/// Four panes under the strip, one of them stopped.
fn compared(harness: &mut Harness<'_, Rig>) {
    more_panes(harness, 3);
    let sent = ask(harness, "Why does the first token take so long?");
    for (index, run) in (1..).zip(&sent[..4]) {
        let kind = if index % 3 == 0 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        put(
            harness,
            ended(run, LONG, 90 + index * 60, 2400 - index * 150, kind),
        );
    }
    let stopped = Fault::new(FaultClass::Cancelled, Phase::Stream, "stopped");
    put(harness, streaming(&sent[4], &LONG[..200]).failed(stopped));
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
}

fn eight(harness: &mut Harness<'_, Rig>) {
    more_panes(harness, 6);
    let sent = ask(harness, "Why does the first token take so long?");
    for (index, run) in (1..).zip(&sent[..7]) {
        let kind = if index % 2 == 0 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        put(
            harness,
            ended(run, LONG, 90 + index * 40, 2400 - index * 150, kind),
        );
    }
    let limited = Fault::new(FaultClass::RateLimited, Phase::Headers, "Too many requests");
    put(harness, waiting(&sent[7]).failed(limited));
}

fn eight_streaming(harness: &mut Harness<'_, Rig>) {
    more_panes(harness, 6);
    let sent = ask(harness, "Why does the first token take so long?");
    for (index, run) in sent.iter().enumerate() {
        let end = LONG.floor_char_boundary(60 + index * 130);
        put(harness, streaming(run, &LONG[..end]));
    }
    harness.get_by_label("Ask pane 3: steady #2").click();
    harness.key_press_modifiers(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::S);
}

/// One of four panes, alone.
fn large(harness: &mut Harness<'_, Rig>) {
    four(harness);
    harness.event(egui::Event::PointerMoved(egui::pos2(400.0, 200.0)));
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::M);
}

fn half_way(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Why does the first token take so long?");
    let half = &LONG[..LONG.find("```rust").unwrap() + 60];
    put(harness, streaming(&sent[0], half));
    let cold = Course {
        connection: ConnectionKind::Cold,
        ..waiting(&sent[1])
    };
    put(harness, cold);
    harness.run_steps(8);
}

fn four(harness: &mut Harness<'_, Rig>) {
    for _ in 0..2 {
        harness.get_by_label("Add pane").click();
        harness.run_steps(2);
    }
    let sent = ask(harness, "Why does the first token take so long?");
    for (index, run) in (1..).zip(&sent) {
        let kind = if index == 3 {
            ConnectionKind::Cold
        } else {
            ConnectionKind::Warm
        };
        put(
            harness,
            ended(run, LONG, 90 + index * 40, 2400 - index * 150, kind),
        );
    }
}

fn chinese(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "首个词元为什么这么慢？请用一张小表格说明。");
    for (index, run) in (1..).zip(&sent) {
        put(
            harness,
            ended(run, CHINESE, 90 + index * 40, 1400, ConnectionKind::Warm),
        );
    }
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
}

fn errors(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Why does the first token take so long?");
    let text = "A request passes three queues before a token exi";
    let note = Note::new(About::EndMark, "The stream has no end mark");
    let broken = ended(&sent[0], text, 140, 300, ConnectionKind::Warm)
        .with([Event::Note(note)])
        .failed(Fault {
            status: Some(200),
            ..Fault::new(
                FaultClass::Interrupted,
                Phase::Stream,
                "The connection was closed before the answer's end",
            )
        });
    put(harness, broken);
    let limited = waiting(&sent[1]).failed(Fault {
        status: Some(429),
        code: Some("rate_limit_exceeded".into()),
        retry_after_ms: Some(20_000),
        ..Fault::new(
            FaultClass::RateLimited,
            Phase::Headers,
            "Rate limit reached for steady: limit 3 requests a minute. Please try again in 20 s",
        )
    });
    put(harness, limited);
}

fn reasoning(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "What is the weather in Bern?");
    let mut run = ended(
        &sent[0],
        "It is **12 °C** in Bern, with light rain.",
        100,
        1200,
        ConnectionKind::Warm,
    );
    run.reasoning = "The user asks for the weather. I have no live data, so I should call `get_weather` with the city.\n\nThen I answer in one sentence.".into();
    run.usage = Some(Usage {
        input: Some(34),
        output: Some(412),
        reasoning: Some(380),
        cached: Some(0),
        ..Usage::default()
    });
    put(harness, run);
    let arguments = r#"{"city":"Bern","unit":"celsius","days":[1,2]}"#;
    let call = tool_call(0, "get_weather", arguments);
    let called = ended(&sent[1], "", 160, 400, ConnectionKind::Warm);
    put(harness, called.with([call]));
    harness.run_steps(2);
    harness.get_by_label_contains("Reasoning ·").click();
}

fn parts(harness: &mut Harness<'_, Rig>) {
    let sent = ask(
        harness,
        "How is the weather in Tokyo? Draw me a picture and say it.",
    );
    for (run, chinese) in sent.iter().zip([false, true]) {
        let run = ended(run, "", 140, 2600, ConnectionKind::Warm);
        put(harness, run.with(whole_answer(chinese)));
    }
    harness.run_steps(4);
    harness
        .get_all_by_label_contains(" notes")
        .next()
        .unwrap()
        .click();
}

fn picker(harness: &mut Harness<'_, Rig>) {
    let list = ["gpt-4o-mini", "gpt-5-nano", "gpt-5-mini", "o4-mini"];
    harness.state_mut().tell_models("openai", list);
    harness
        .get_by_label("Target of pane 1: simulated/swift")
        .click();
    harness.run_steps(3);
    harness
        .get_by_label("Search models, or type a name")
        .type_text("mini");
}

fn params(harness: &mut Harness<'_, Rig>) {
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .focus();
    harness
        .get_by_role_and_label(Role::TextInput, "Temperature")
        .type_text("0.7");
    harness.run_steps(1);
    harness
        .get_by_role_and_label(Role::TextInput, "Top p")
        .focus();
    harness
        .get_by_role_and_label(Role::TextInput, "Top p")
        .type_text("3");
}

fn schema(harness: &mut Harness<'_, Rig>) {
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness.get_by_label("Response format: JSON schema").click();
    harness.run_steps(2);
    harness.get_by_label("Template: List").scroll_to_me();
    harness.run_steps(30);
    harness.get_by_label("Template: List").click();
    harness.run_steps(2);
}

fn raw_body(harness: &mut Harness<'_, Rig>) {
    type_prompt(harness, "How far is the moon? 月亮有多远？");
    harness.get_by_label("More for pane 1").click();
    harness.run_steps(2);
    harness
        .get_by_label("Edit the raw body and send it…")
        .click();
    harness.run_steps(2);
}

fn address(harness: &mut Harness<'_, Rig>) {
    harness.get_by_label("Attach by address…").click();
    harness.run_steps(2);
    let field = "Address of the file";
    harness
        .get_by_role_and_label(Role::TextInput, field)
        .focus();
    harness
        .get_by_role_and_label(Role::TextInput, field)
        .type_text("https://example.com/cat");
    harness.run_steps(1);
    harness.get_by_label("Attach").click();
}

/// An answer that waits for the results of its calls, one of them begun; beside it a refusal.
fn results(harness: &mut Harness<'_, Rig>) {
    let sent = ask(harness, "Weather in Bern and Rome?");
    let run = ended(&sent[0], "", 160, 400, ConnectionKind::Warm);
    put(harness, run.with(calls::calls("get_weather")));
    let refused = Course {
        finish: Some(Finish {
            reason: FinishReason::ContentFilter,
            raw: "SAFETY".into(),
        }),
        ..ended(&sent[1], "", 160, 400, ConnectionKind::Warm)
    };
    let text = "I can’t help with that, but here is what I can do instead.".into();
    put(harness, refused.with([Event::Refusal { text }]));
    harness.run_steps(4);
    let field = "Result of call 2: get_weather";
    let node = || Role::MultilineTextInput;
    harness.get_by_role_and_label(node(), field).scroll_to_me();
    harness.get_by_role_and_label(node(), field).focus();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(node(), field)
        .type_text("{\"sky\": ");
}

/// Files of every kind in the draft, and a setting that a model refuses.
fn files(harness: &mut Harness<'_, Rig>) {
    let file = |mime: &str, name: &str, bytes: usize| {
        Ok(Media {
            mime: mime.into(),
            data: vec![0; bytes].into(),
            name: name.into(),
            uri: None,
        })
    };
    let files = [
        file("application/pdf", "quarterly-report.pdf", 1_234_567),
        file("audio/wav", "question.wav", 88_000),
        file("video/mp4", "clip.mp4", 9_400_000),
        Ok(Media::at("gs://bucket/talk.mp4").unwrap()),
    ];
    attach(harness, files.into());
    type_prompt(harness, "What is said in these?");
    harness.run_steps(3);
}

/// The settings of a pane that asks Anthropic, with an effort and the cache.
fn anthropic(harness: &mut Harness<'_, Rig>) {
    let mut settings = settings();
    settings.endpoints[1].dialect = DialectId::Anthropic;
    settings.endpoints[1].models = vec!["claude-sonnet-4-5".into()];
    *harness.state_mut() = Rig::new(settings);
    harness.run_steps(4);
    harness.get_by_label("Parameters of pane 1").click();
    harness.run_steps(3);
    harness.get_by_label("Reasoning effort: low").click();
    let field = || harness.get_by_role_and_label(Role::TextInput, "Temperature");
    field().focus();
    field().type_text("0.7");
    harness.run_steps(3);
    harness
        .get_by_label("Prompt caching: 1 hour")
        .scroll_to_me();
    harness.run_steps(30);
    harness.get_by_label("Prompt caching: 1 hour").click();
}

#[test]
#[ignore = "writes pictures to be looked at; needs a software renderer"]
fn playground_pictures() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let only = std::env::var("SCENE").unwrap_or_default();
    for (name, fill) in SCENES.iter().filter(|(name, _)| name.contains(&only)) {
        for size in SIZES {
            let mut harness = scene(*fill, size);
            for look in [egui::Theme::Dark, egui::Theme::Light] {
                harness.ctx.set_theme(look);
                harness.run_steps(3);
                let file = format!("playground-{name}-{}-{look:?}.png", size[0]).to_lowercase();
                let picture = drawn(&mut harness);
                picture.save(folder.join(file)).unwrap();
            }
        }
    }
}
