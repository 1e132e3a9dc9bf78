"""LangChain: the same calls for every one of its models."""

import base64

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage

from common import KEY, TOOLS, Call, Person, Said


class LangChain:
    def model(self, name, key=KEY):
        raise NotImplementedError

    def ask(self, model, user, system=None, stream=False, key=KEY):
        messages = ([SystemMessage(system)] if system else []) + self.user(user)
        return self.said(self.model(model, key), messages, stream)[0]

    def said(self, model, messages, stream):
        """The answer, and the message that is sent back."""
        pieces = 1
        if stream:
            answer, pieces = None, 0
            for chunk in model.stream(messages):
                pieces += bool(chunk.text)
                answer = chunk if answer is None else answer + chunk
        else:
            answer = model.invoke(messages)
        calls = [Call(call["name"], call["args"], call["id"]) for call in answer.tool_calls]
        told, usage = answer.response_metadata, answer.usage_metadata
        end = told.get("finish_reason") or told.get("stop_reason") or told.get("status")
        tokens = usage and (usage["input_tokens"], usage["output_tokens"])
        return Said(answer.text, pieces, end, tokens, calls), answer

    def user(self, text):
        return [HumanMessage(text)]

    def talk(self, model, history, stream):
        functions = [{"type": "function", "function": tool} for tool in TOOLS]
        said, message = self.said(self.model(model).bind_tools(functions), history, stream)
        history.append(message)
        return said

    def results(self, calls, outputs):
        return [ToolMessage(output, tool_call_id=call.id, name=call.name) for call, output in zip(calls, outputs)]

    def image(self, model, data=None, url=None):
        picture = {"type": "image", "mime_type": "image/png"}
        picture |= {"url": url} if url else {"base64": base64.b64encode(data).decode()}
        messages = [HumanMessage([{"type": "text", "text": "What is it?"}, picture])]
        return self.said(self.model(model), messages, False)[0].text

    def structured(self, model):
        return self.model(model).with_structured_output(Person, method="json_schema").invoke("Who?")

    def status(self, error):
        """The exception of the provider's own client, which LangChain passes on or wraps."""
        while error is not None:
            status = getattr(error, "status_code", None) or getattr(error, "code", None)
            if isinstance(status, int):
                return status
            error = error.__cause__
        return None
