"""`openai`, chat completions."""

import base64
import json

from openai import APIStatusError, OpenAI

from common import BASE, KEY, TOOLS, Call, Person, Said, run


class Client:
    def __init__(self):
        self.of = lambda key=KEY: OpenAI(base_url=f"{BASE}/v1", api_key=key, max_retries=0).chat.completions

    def ask(self, model, user, system=None, stream=False, key=KEY):
        messages = [{"role": "system", "content": system}] if system else []
        return self.said(self.of(key), model, messages + self.user(user), stream)[0]

    def said(self, api, model, messages, stream, **more):
        """The answer, and the message that is sent back."""
        if not stream:
            answer = api.create(model=model, messages=messages, **more)
            choice, usage = answer.choices[0], answer.usage
            calls = [Call(c.function.name, json.loads(c.function.arguments), c.id) for c in choice.message.tool_calls or []]
            said = Said(choice.message.content or "", 1, choice.finish_reason, self.tokens(usage), calls)
            # As the documentation does it, but only with the fields that the client's types have.
            message = {"role": "assistant", "content": choice.message.content}
            if choice.message.tool_calls:
                message["tool_calls"] = [
                    {"id": c.id, "type": "function", "function": {"name": c.function.name, "arguments": c.function.arguments}}
                    for c in choice.message.tool_calls
                ]
            return said, message
        text, pieces, end, usage, calls = "", 0, None, None, {}
        options = {"include_usage": True}
        for chunk in api.create(model=model, messages=messages, stream=True, stream_options=options, **more):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                end = choice.finish_reason or end
                if choice.delta.content:
                    text, pieces = text + choice.delta.content, pieces + 1
                for delta in choice.delta.tool_calls or []:
                    call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                    call["id"] += delta.id or ""
                    call["name"] += delta.function.name or ""
                    call["arguments"] += delta.function.arguments or ""
        calls = [calls[index] for index in sorted(calls)]
        message = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}} for c in calls
            ]
        calls = [Call(c["name"], json.loads(c["arguments"]), c["id"]) for c in calls]
        return Said(text, pieces, end, self.tokens(usage), calls), message

    def tokens(self, usage):
        return usage and (usage.prompt_tokens, usage.completion_tokens)

    def user(self, text):
        return [{"role": "user", "content": text}]

    def talk(self, model, history, stream):
        functions = [{"type": "function", "function": tool | {"strict": True}} for tool in TOOLS]
        said, message = self.said(self.of(), model, history, stream, tools=functions, tool_choice="auto")
        history.append(message)
        return said

    def results(self, calls, outputs):
        return [{"role": "tool", "tool_call_id": c.id, "content": output} for c, output in zip(calls, outputs)]

    def image(self, model, data=None, url=None):
        url = url or "data:image/png;base64," + base64.b64encode(data).decode()
        content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
        return self.said(self.of(), model, [{"role": "user", "content": content}], False)[0].text

    def structured(self, model):
        answer = self.of().parse(model=model, messages=self.user("Who?"), response_format=Person)
        return answer.choices[0].message.parsed

    def status(self, error):
        return error.status_code if isinstance(error, APIStatusError) else None


if __name__ == "__main__":
    run(Client)
