"""`anthropic`."""

import base64

from anthropic import Anthropic, APIStatusError

from common import BASE, KEY, TOOLS, Call, Person, Said, run


class Client:
    def __init__(self):
        self.of = lambda key=KEY: Anthropic(base_url=BASE, api_key=key, max_retries=0).messages

    def ask(self, model, user, system=None, stream=False, key=KEY):
        more = {"system": system} if system else {}
        return self.said(self.of(key), model, self.user(user), stream, **more)[0]

    def said(self, api, model, messages, stream, **more):
        """The answer, and the blocks that are sent back."""
        pieces, more = 1, {"model": model, "messages": messages, "max_tokens": 4096, **more}
        if stream:
            with api.stream(**more) as events:
                pieces = sum(1 for _ in events.text_stream)
                answer = events.get_final_message()
        else:
            answer = api.create(**more)
        text = "".join(block.text for block in answer.content if block.type == "text")
        calls = [Call(block.name, block.input, block.id) for block in answer.content if block.type == "tool_use"]
        tokens = (answer.usage.input_tokens, answer.usage.output_tokens)
        return Said(text, pieces, answer.stop_reason, tokens, calls), answer.content

    def user(self, text):
        return [{"role": "user", "content": text}]

    def talk(self, model, history, stream):
        functions = [{"name": t["name"], "description": t["description"], "input_schema": t["parameters"]} for t in TOOLS]
        said, blocks = self.said(self.of(), model, history, stream, tools=functions)
        history.append({"role": "assistant", "content": blocks})
        return said

    def results(self, calls, outputs):
        results = [{"type": "tool_result", "tool_use_id": c.id, "content": o} for c, o in zip(calls, outputs)]
        return [{"role": "user", "content": results}]

    def image(self, model, data=None, url=None):
        if url:
            source = {"type": "url", "url": url}
        else:
            source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()}
        content = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
        return self.said(self.of(), model, [{"role": "user", "content": content}], False)[0].text

    def structured(self, model):
        answer = self.of().parse(model=model, max_tokens=4096, messages=self.user("Who?"), output_format=Person)
        return answer.parsed_output

    def status(self, error):
        return error.status_code if isinstance(error, APIStatusError) else None


if __name__ == "__main__":
    run(Client)
