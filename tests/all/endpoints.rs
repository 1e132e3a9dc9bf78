//! Presets: each makes a valid endpoint, and the table shows where its requests really go.

use std::collections::{BTreeMap, HashSet};

use tokenscope::endpoint::{Auth, preset};

/// Values for the variables that have no default.
fn values() -> BTreeMap<String, String> {
    [
        ("resource", "my-resource"),
        ("project", "my-project"),
        ("base_url", "https://host.example/v1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[test]
fn every_preset_makes_a_valid_endpoint() {
    let mut ids = HashSet::new();
    for preset in preset::all() {
        let id = &preset.id;
        assert!(ids.insert(id), "{id} stands twice");
        let endpoint = preset
            .endpoint(&values())
            .unwrap_or_else(|e| panic!("{id}: {e}"));
        assert_eq!(&endpoint.id, id);
        assert_eq!(endpoint.preset.as_ref(), Some(id));
        assert!(preset.docs.starts_with("https://"), "{id}");
        assert!(
            !preset.note.contains('\n') && !preset.note.ends_with('.'),
            "{id}"
        );
        let has_source = !preset.key_env.is_empty() || !preset.key_command.is_empty();
        assert!(
            preset.local || has_source,
            "{id} says nowhere what its key is called"
        );
        assert_eq!(
            endpoint.needs_key(),
            !preset.local && endpoint.auth != Auth::None,
            "{id}"
        );
        for variable in &preset.variables {
            let hole = format!("{{{}}}", variable.name);
            assert!(preset.base_url.contains(&hole), "{id} does not use {hole}");
        }
        assert!(
            !endpoint.base_url.as_str().contains("%7B"),
            "{id} has a hole left"
        );
    }
}

#[test]
fn chat_requests_go_where_the_providers_say() {
    let rows = preset::all().iter().map(|preset| {
        let endpoint = preset.endpoint(&values()).unwrap();
        let dialect = endpoint.dialect.dialect();
        let url = (dialect.chat_url)(&endpoint.base_url, "m");
        format!("{:13} {url}\n", preset.id)
    });
    insta::assert_snapshot!(rows.collect::<String>(), @r"
    openai        https://api.openai.com/v1/chat/completions
    openai-responses https://api.openai.com/v1/responses
    anthropic     https://api.anthropic.com/v1/messages
    gemini-native https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse
    openrouter    https://openrouter.ai/api/v1/chat/completions
    deepseek      https://api.deepseek.com/v1/chat/completions
    groq          https://api.groq.com/openai/v1/chat/completions
    mistral       https://api.mistral.ai/v1/chat/completions
    xai           https://api.x.ai/v1/chat/completions
    together      https://api.together.ai/v1/chat/completions
    fireworks     https://api.fireworks.ai/inference/v1/chat/completions
    moonshot      https://api.moonshot.ai/v1/chat/completions
    zhipu         https://open.bigmodel.cn/api/paas/v4/chat/completions
    dashscope     https://dashscope.aliyuncs.com/compatible-mode/v1/chat/completions
    siliconflow   https://api.siliconflow.cn/v1/chat/completions
    minimax       https://api.minimax.io/v1/chat/completions
    azure         https://my-resource.openai.azure.com/openai/v1/chat/completions
    gemini        https://generativelanguage.googleapis.com/v1beta/openai/chat/completions
    vertex        https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1/endpoints/openapi/chat/completions
    vertex-global https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/endpoints/openapi/chat/completions
    vertex-native https://us-central1-aiplatform.googleapis.com/v1/projects/my-project/locations/us-central1/publishers/google/models/m:streamGenerateContent?alt=sse
    vertex-grpc   https://us-central1-aiplatform.googleapis.com/google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent
    vertex-global-native https://aiplatform.googleapis.com/v1/projects/my-project/locations/global/publishers/google/models/m:streamGenerateContent?alt=sse
    vertex-express https://aiplatform.googleapis.com/v1/publishers/google/models/m:streamGenerateContent?alt=sse
    vertex-multiregion-native https://aiplatform.eu.rep.googleapis.com/v1/projects/my-project/locations/eu/publishers/google/models/m:streamGenerateContent?alt=sse
    ollama        http://localhost:11434/v1/chat/completions
    ollama-native http://localhost:11434/api/chat
    lmstudio      http://localhost:1234/v1/chat/completions
    llamacpp      http://localhost:8080/v1/chat/completions
    vllm          http://localhost:8000/v1/chat/completions
    gateway       https://host.example/v1/chat/completions
    custom        https://host.example/v1/chat/completions
    ");
}
