"""LiteLLM's SDK: the same calls for every provider that it knows."""

import base64
import json

import litellm

from common import KEY, TOOLS, Call, Person, Said

litellm.telemetry = False
# It fetches pictures itself, from public hosts alone unless it is told to.
litellm.user_url_allowed_hosts = ["127.0.0.1"]


class LiteLLM:
    # The provider in its words, and its base URL.
    provider = base = ""

    def ask(self, model, user, system=None, stream=False, key=KEY):
        messages = [{"role": "system", "content": system}] if system else []
        return self.said(model, messages + self.user(user), stream, api_key=key)[0]

    def said(self, model, messages, stream, **more):
        """The answer, and the message that is sent back."""
        more = {"api_key": KEY, **more}
        asked = {"model": f"{self.provider}/{model}", "api_base": self.base, "messages": messages, "num_retries": 0, **more}
        pieces = 1
        if stream:
            chunks = list(litellm.completion(**asked, stream=True, stream_options={"include_usage": True}))
            pieces = sum(1 for chunk in chunks for choice in chunk.choices if choice.delta.content)
            answer = litellm.stream_chunk_builder(chunks, messages=messages)
        else:
            answer = litellm.completion(**asked, max_retries=0)
        choice, usage = answer.choices[0], getattr(answer, "usage", None)
        calls = choice.message.tool_calls or []
        calls = [Call(c.function.name, json.loads(c.function.arguments), c.id) for c in calls]
        tokens = usage and (usage.prompt_tokens, usage.completion_tokens)
        return Said(choice.message.content or "", pieces, choice.finish_reason, tokens, calls), choice.message

    def user(self, text):
        return [{"role": "user", "content": text}]

    def talk(self, model, history, stream):
        functions = [{"type": "function", "function": tool} for tool in TOOLS]
        said, message = self.said(model, history, stream, tools=functions)
        history.append(message)
        return said

    def results(self, calls, outputs):
        return [{"role": "tool", "tool_call_id": c.id, "content": output} for c, output in zip(calls, outputs)]

    def image(self, model, data=None, url=None):
        url = url or "data:image/png;base64," + base64.b64encode(data).decode()
        content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
        return self.said(model, [{"role": "user", "content": content}], False)[0].text

    def structured(self, model):
        said, _ = self.said(model, self.user("Who?"), False, response_format=Person)
        return Person.model_validate_json(said.text)

    def status(self, error):
        return getattr(error, "status_code", None)
