//! An answer with everything that one can hold.

use tokenscope::{
    chat::Media,
    event::{About, Citation, Event, Finish, FinishReason, Note, Usage},
};

/// An answer with everything that one can hold.
#[expect(clippy::too_many_lines, reason = "a list")]
pub fn whole_answer(chinese: bool) -> Vec<Event> {
    let text = |text: &str| Event::Text { text: text.into() };
    let (search, words, more) = if chinese {
        (
            "东京 天气",
            "东京今天多云，气温 21 °C。这是您要的图片：\n",
            "\n还有一段录音。",
        )
    } else {
        (
            "weather in Tokyo",
            "It is cloudy in Tokyo, 21 °C. Here is the picture that you asked for:\n",
            "\nAnd a recording of the same.",
        )
    };
    let cite = |url: Option<&str>, title: &str, quote: Option<&str>| {
        Event::Citation(Citation {
            url: url.map(str::to_owned),
            title: Some(title.into()),
            quote: quote.map(str::to_owned),
        })
    };
    vec![
        Event::Reasoning {
            text: "The user wants the weather and a picture.".into(),
        },
        Event::Signature {
            value: "c2lnbmVk".repeat(40),
        },
        Event::Opaque {
            kind: "web_search_call".into(),
            raw: format!(
                r#"{{"type":"web_search_call","status":"completed","action":{{"type":"search","query":"{search}"}}}}"#
            ),
        },
        Event::Opaque {
            kind: "redacted_thinking".into(),
            raw: format!(
                r#"{{"type":"redacted_thinking","data":"{}"}}"#,
                "x".repeat(1_200)
            ),
        },
        text(words),
        Event::Media(Media {
            mime: "image/png".into(),
            data: a_picture().into(),
            ..Media::default()
        }),
        text(more),
        Event::Media(Media {
            mime: "audio/L16;rate=24000".into(),
            data: vec![0; 96_000].into(),
            ..Media::default()
        }),
        cite(
            Some("https://weather.example/tokyo/today"),
            if chinese {
                "东京天气预报"
            } else {
                "Weather in Tokyo today"
            },
            Some("Cloudy with a light breeze, 21 °C in the afternoon"),
        ),
        cite(None, "travel-notes.pdf", None),
        Event::Timing {
            name: "load_duration".into(),
            ns: 812_000_000,
        },
        Event::Timing {
            name: "prompt_eval_duration".into(),
            ns: 143_000_000,
        },
        Event::Timing {
            name: "eval_duration".into(),
            ns: 2_400_000_000,
        },
        Event::Unknown {
            kind: "event response.future".into(),
            raw: r#"{"type":"response.future","detail":"kept word for word"}"#.into(),
        },
        Event::Note(Note::new(
            About::NotSent,
            "not sent: temperature (this reasoning model samples by itself)",
        )),
        Event::Usage(Usage {
            input: Some(31),
            output: Some(240),
            ..Usage::default()
        }),
        Event::Finish(Finish {
            reason: FinishReason::Stop,
            raw: "completed".into(),
        }),
        Event::Done,
    ]
}

/// A small landscape, as a model might draw it.
fn a_picture() -> Vec<u8> {
    let image = image::RgbImage::from_fn(640, 400, |x, y| {
        let hill = 250 + x.abs_diff(320) / 6;
        let shade = u8::try_from(y / 3).unwrap_or(u8::MAX);
        if y > hill {
            image::Rgb([40, 110, 60])
        } else {
            image::Rgb([90, 130, 255 - shade])
        }
    });
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}
