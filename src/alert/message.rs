//! What a webhook is sent.

use serde_json::{Value, json};

use super::AlertNews;
use crate::settings::alert::WebhookForm;

/// The body for a webhook. The forms of the services are those of their documentation: Slack's incoming webhooks
/// (`text`), the custom bots of Lark (`msg_type`, `content`), the custom robots of `DingTalk` (`msgtype`, `text`), in
/// November 2026.
#[must_use]
pub fn webhook_body(news: &AlertNews, form: WebhookForm) -> Value {
    let text = news.to_string();
    match form {
        WebhookForm::Json => {
            let mut body = json!(news);
            body["text"] = text.into();
            body
        }
        WebhookForm::Slack => json!({ "text": slack(&text) }),
        WebhookForm::Lark => json!({ "msg_type": "text", "content": { "text": text } }),
        WebhookForm::Dingtalk => json!({ "msgtype": "text", "text": { "content": text } }),
    }
}

/// The three characters that Slack takes for its own.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::alert::AlertFigure;

    #[test]
    fn each_form_is_what_its_service_reads() {
        let news = AlertNews {
            rule: "slow".into(),
            target: "here/<m>".into(),
            fires: true,
            at_unix_ns: 2,
            since_unix_ns: 1,
            figure: AlertFigure::TtftP95,
            value: 2_310.4,
            n: 24,
            over_minutes: 15,
            above: Some(2_000.0),
            below: None,
        };
        let text = "slow: here/<m>: TTFT P95 is 2310 ms (above 2000 ms; 24 runs in 15 min)";
        assert_eq!(news.to_string(), text);
        assert_eq!(
            webhook_body(&news, WebhookForm::Slack),
            json!({ "text": "slow: here/&lt;m&gt;: TTFT P95 is 2310 ms (above 2000 ms; 24 runs in 15 min)" })
        );
        assert_eq!(
            webhook_body(&news, WebhookForm::Lark),
            json!({ "msg_type": "text", "content": { "text": text } })
        );
        assert_eq!(
            webhook_body(&news, WebhookForm::Dingtalk),
            json!({ "msgtype": "text", "text": { "content": text } })
        );
        let over = AlertNews {
            fires: false,
            value: 1_700.0,
            ..news.clone()
        };
        let text_at_end =
            "slow: here/<m>: TTFT P95 is back at 1700 ms (above 2000 ms; 24 runs in 15 min)";
        assert_eq!(over.to_string(), text_at_end);
        let all = webhook_body(&news, WebhookForm::Json);
        assert_eq!(all["text"], text);
        assert_eq!(
            (&all["rule"], &all["fires"], &all["n"]),
            (&json!("slow"), &json!(true), &json!(24))
        );
        assert_eq!((&all["above"], all.get("below")), (&json!(2_000.0), None));
    }

    #[test]
    fn what_fires_below_a_limit_says_so() {
        let news = AlertNews {
            rule: "away".into(),
            target: "here/m".into(),
            fires: true,
            at_unix_ns: 2,
            since_unix_ns: 1,
            figure: AlertFigure::Availability,
            value: 0.95,
            n: 40,
            over_minutes: 15,
            above: None,
            below: Some(0.99),
        };
        assert_eq!(
            news.to_string(),
            "away: here/m: availability is 95 % (below 99 %; 40 runs and checks in 15 min)"
        );
        let expires = AlertNews {
            rule: "renew".into(),
            target: "here".into(),
            fires: false,
            figure: AlertFigure::CertificateDays,
            value: 89.96,
            n: 1,
            below: Some(14.0),
            ..news
        };
        assert_eq!(
            expires.to_string(),
            "renew: here: remaining time of the certificate is back at 90.0 days (below 14.0 days)"
        );
    }
}
