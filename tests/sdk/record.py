"""What the official Python SDKs send for the conversations of `tests/all/sdk.rs`, written to files beside this one.

    python -m venv v && v/bin/pip install --only-binary=:all: openai anthropic google-genai
    v/bin/python tests/sdk/record.py

Each call goes to a server on loopback that keeps the request and refuses it.
"""

import base64
import http.server
import json
import pathlib
import threading

import anthropic
import openai
from google import genai
from google.genai import types

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HERE = pathlib.Path(__file__).parent
HEADERS = ("content-type", "anthropic-version", "x-api-key", "x-goog-api-key", "authorization")
SYSTEM = "Be brief"
ASKED = "What is this, and how is the weather in Bern and in Rome?"
CALLS = [("call_1", "get_weather", {"city": "Bern", "days": 3}), ("call_2", "get_weather", {"city": "Rome", "days": 1})]
RESULTS = ["{\"sky\":\"rain\"}", "{\"sky\":\"sun\"}"]
ANSWER = "A pixel; rain in Bern, sun in Rome"
AGAIN = "And tomorrow?"
SCHEMA = {
    "type": "object",
    "properties": {"sky": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["sky", "degrees"],
    "additionalProperties": False,
}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
ABOUT = "The weather of a city"

seen = []


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        kept = {name: self.headers[name] for name in HEADERS if self.headers[name]}
        seen.append({"path": self.path, "headers": kept, "body": json.loads(body)})
        answer = b'{"error":{"message":"kept","type":"invalid_request_error","code":400,"status":"INVALID_ARGUMENT"}}'
        self.send_response(400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def keep(dialect, case, version, call):
    seen.clear()
    try:
        result = call()
        for _ in result:
            pass
    except (openai.APIStatusError, anthropic.APIStatusError, genai.errors.APIError):
        pass
    assert len(seen) == 1, (dialect, case, len(seen))
    record = {"sdk": version, **seen[0]}
    path = HERE / f"{dialect}.{case}.json"
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    print(path.name, record["path"])


def openai_chat(client, version):
    image = "data:image/png;base64," + base64.b64encode(PNG).decode()
    messages = [
        {"role": "system", "content": SYSTEM},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": image}},
                {"type": "text", "text": ASKED},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a, separators=(",", ":"))}}
                for i, n, a in CALLS
            ],
        },
        *({"role": "tool", "tool_call_id": c[0], "content": r} for c, r in zip(CALLS, RESULTS)),
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": AGAIN},
    ]
    tools = [{"type": "function", "function": {"name": "get_weather", "description": ABOUT, "parameters": PARAMETERS}}]
    create = lambda **more: lambda: client.chat.completions.create(
        model="gpt-5", stream=True, stream_options={"include_usage": True}, **more
    )
    keep("openai-chat", "conversation", version, create(messages=messages, tools=tools, temperature=0.5, max_completion_tokens=900))
    plain = [{"role": "user", "content": AGAIN}]
    schema = {"type": "json_schema", "json_schema": {"name": "weather", "schema": SCHEMA, "strict": True}}
    keep("openai-chat", "schema", version, create(messages=plain, response_format=schema))
    keep("openai-chat", "thinking", version, create(messages=plain, reasoning_effort="low"))


def openai_responses(client, version):
    image = "data:image/png;base64," + base64.b64encode(PNG).decode()
    items = [
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": image},
                {"type": "input_text", "text": ASKED},
            ],
        },
        *(
            {"type": "function_call", "call_id": i, "name": n, "arguments": json.dumps(a, separators=(",", ":"))}
            for i, n, a in CALLS
        ),
        *({"type": "function_call_output", "call_id": c[0], "output": r} for c, r in zip(CALLS, RESULTS)),
        {"role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]},
        {"role": "user", "content": [{"type": "input_text", "text": AGAIN}]},
    ]
    tools = [{"type": "function", "name": "get_weather", "description": ABOUT, "parameters": PARAMETERS, "strict": False}]
    create = lambda **more: lambda: client.responses.create(
        model="gpt-5", stream=True, store=False, include=["reasoning.encrypted_content"], **more
    )
    keep(
        "openai-responses",
        "conversation",
        version,
        create(input=items, instructions=SYSTEM, tools=tools, temperature=0.5, max_output_tokens=900),
    )
    plain = [{"role": "user", "content": [{"type": "input_text", "text": AGAIN}]}]
    text = {"format": {"type": "json_schema", "name": "weather", "schema": SCHEMA, "strict": True}}
    keep("openai-responses", "schema", version, create(input=plain, text=text))
    keep("openai-responses", "thinking", version, create(input=plain, reasoning={"effort": "low", "summary": "auto"}))


def anthropic_messages(client, version):
    image = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    messages = [
        {"role": "user", "content": [{"type": "image", "source": image}, {"type": "text", "text": ASKED}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": i, "name": n, "input": a} for i, n, a in CALLS]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": c[0], "content": r} for c, r in zip(CALLS, RESULTS)
            ],
        },
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": AGAIN},
    ]
    tools = [{"name": "get_weather", "description": ABOUT, "input_schema": PARAMETERS}]
    create = lambda model="claude-sonnet-4-5", **more: lambda: client.messages.create(model=model, stream=True, **more)
    keep(
        "anthropic",
        "conversation",
        version,
        # This SDK has no argument for a temperature any more; the API still takes one for older models.
        create(messages=messages, system=SYSTEM, tools=tools, max_tokens=900, extra_body={"temperature": 0.5}),
    )
    plain = [{"role": "user", "content": AGAIN}]
    config = {"format": {"type": "json_schema", "schema": SCHEMA}}
    keep("anthropic", "schema", version, create(messages=plain, max_tokens=900, output_config=config))
    thinking = {"type": "enabled", "budget_tokens": 2048}
    keep("anthropic", "thinking", version, create(messages=plain, max_tokens=9000, thinking=thinking))
    adaptive = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    keep("anthropic", "effort", version, create("claude-opus-4-7", messages=plain, max_tokens=9000, **adaptive))


def gemini(client, version):
    part = types.Part
    contents = [
        types.Content(role="user", parts=[part.from_bytes(data=PNG, mime_type="image/png"), part.from_text(text=ASKED)]),
        types.Content(
            role="model",
            parts=[part(function_call=types.FunctionCall(id=i, name=n, args=a)) for i, n, a in CALLS],
        ),
        types.Content(
            role="user",
            parts=[
                part(function_response=types.FunctionResponse(id=c[0], name=c[1], response=json.loads(r)))
                for c, r in zip(CALLS, RESULTS)
            ],
        ),
        types.Content(role="model", parts=[part.from_text(text=ANSWER)]),
        types.Content(role="user", parts=[part.from_text(text=AGAIN)]),
    ]
    declared = types.FunctionDeclaration(name="get_weather", description=ABOUT, parameters_json_schema=PARAMETERS)
    stream = lambda model, contents, **config: lambda: client.models.generate_content_stream(
        model=model, contents=contents, config=types.GenerateContentConfig(**config)
    )
    keep(
        "gemini",
        "conversation",
        version,
        stream(
            "gemini-2.5-flash",
            contents,
            system_instruction=SYSTEM,
            tools=[types.Tool(function_declarations=[declared])],
            temperature=0.5,
            max_output_tokens=900,
        ),
    )
    plain = [types.Content(role="user", parts=[part.from_text(text=AGAIN)])]
    keep(
        "gemini",
        "schema",
        version,
        stream("gemini-2.5-flash", plain, response_mime_type="application/json", response_json_schema=SCHEMA),
    )
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
    keep("gemini", "thinking", version, stream("gemini-2.5-flash", plain, thinking_config=thinking))
    level = types.ThinkingConfig(include_thoughts=True, thinking_level="low")
    keep("gemini", "thinking-level", version, stream("gemini-3-pro-preview", plain, thinking_config=level))


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    key = "sdk-key"
    client = openai.OpenAI(api_key=key, base_url=f"{base}/v1", max_retries=0)
    openai_chat(client, f"openai {openai.__version__}")
    openai_responses(client, f"openai {openai.__version__}")
    client = anthropic.Anthropic(api_key=key, base_url=base, max_retries=0)
    anthropic_messages(client, f"anthropic {anthropic.__version__}")
    options = types.HttpOptions(base_url=base, retry_options=types.HttpRetryOptions(attempts=1))
    gemini(genai.Client(api_key=key, http_options=options), f"google-genai {genai.__version__}")


if __name__ == "__main__":
    main()
