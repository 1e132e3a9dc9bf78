"""`openai`, responses."""

import base64
import json

from openai import APIStatusError, OpenAI

from common import BASE, KEY, TOOLS, Call, Person, Said, run


class Client:
    def __init__(self):
        self.of = lambda key=KEY: OpenAI(base_url=f"{BASE}/v1", api_key=key, max_retries=0).responses

    def ask(self, model, user, system=None, stream=False, key=KEY):
        more = {"instructions": system} if system else {}
        return self.said(self.of(key), model, user, stream, **more)[0]

    def said(self, api, model, input, stream, **more):
        """The answer, and the items that are sent back."""
        pieces, streamed = 1, None
        if stream:
            pieces, answer, streamed = 0, None, ""
            for event in api.create(model=model, input=input, stream=True, store=False, **more):
                if event.type == "response.output_text.delta":
                    streamed, pieces = streamed + event.delta, pieces + 1
                elif event.type == "response.completed":
                    answer = event.response
                elif event.type in ("response.failed", "error"):
                    raise RuntimeError(f"the stream tells an error: {event}")
            if answer is None:
                raise RuntimeError("the stream ended without response.completed")
        else:
            answer = api.create(model=model, input=input, store=False, **more)
        if streamed is not None and streamed != answer.output_text:
            raise AssertionError(f"{streamed!r} came in pieces, {answer.output_text!r} as a whole")
        calls = [item for item in answer.output if item.type == "function_call"]
        calls = [Call(c.name, json.loads(c.arguments), c.call_id) for c in calls]
        tokens = answer.usage and (answer.usage.input_tokens, answer.usage.output_tokens)
        return Said(answer.output_text, pieces, answer.status, tokens, calls), answer.output

    def user(self, text):
        return [{"role": "user", "content": text}]

    def talk(self, model, history, stream):
        functions = [tool | {"type": "function", "strict": True} for tool in TOOLS]
        include = ["reasoning.encrypted_content"]
        said, items = self.said(self.of(), model, history, stream, tools=functions, include=include)
        history += items
        return said

    def results(self, calls, outputs):
        return [{"type": "function_call_output", "call_id": c.id, "output": o} for c, o in zip(calls, outputs)]

    def image(self, model, data=None, url=None):
        url = url or "data:image/png;base64," + base64.b64encode(data).decode()
        content = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": url, "detail": "auto"}]
        return self.said(self.of(), model, [{"role": "user", "content": content}], False)[0].text

    def structured(self, model):
        return self.of().parse(model=model, input="Who?", text_format=Person).output_parsed

    def status(self, error):
        return error.status_code if isinstance(error, APIStatusError) else None


if __name__ == "__main__":
    run(Client)
