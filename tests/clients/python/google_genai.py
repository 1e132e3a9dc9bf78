"""`google-genai`."""

from google import genai
from google.genai import errors, types

from common import BASE, KEY, TOOLS, Call, Person, Said, run


class Client:
    def __init__(self):
        self.of = lambda key=KEY: genai.Client(api_key=key, http_options={"base_url": BASE})

    def ask(self, model, user, system=None, stream=False, key=KEY):
        config = types.GenerateContentConfig(system_instruction=system)
        return self.said(self.of(key), model, self.user(user), stream, config)[0]

    def said(self, client, model, contents, stream, config):
        """The answer, and the content that is sent back."""
        asked = {"model": model, "contents": contents, "config": config}
        if stream:
            chunks = list(client.models.generate_content_stream(**asked))
        else:
            chunks = [client.models.generate_content(**asked)]
        parts = []
        for chunk in chunks:
            content = chunk.candidates and chunk.candidates[0].content
            parts += content.parts if content and content.parts else []
        texts = [part.text for part in parts if part.text and not part.thought]
        calls = [part.function_call for part in parts if part.function_call]
        calls = [Call(c.name, c.args or {}, c.id) for c in calls]
        ends = [c.candidates[0].finish_reason for c in chunks if c.candidates and c.candidates[0].finish_reason]
        usages = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
        tokens = usages and (usages[-1].prompt_token_count, usages[-1].candidates_token_count)
        end = ends[-1].value if ends else "none"
        return Said("".join(texts), len(texts), end, tokens or None, calls), types.Content(role="model", parts=parts)

    def user(self, text):
        return [types.Content(role="user", parts=[types.Part(text=text)])]

    def talk(self, model, history, stream):
        functions = [
            types.FunctionDeclaration(name=t["name"], description=t["description"], parameters_json_schema=t["parameters"])
            for t in TOOLS
        ]
        config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=functions)])
        said, content = self.said(self.of(), model, history, stream, config)
        history.append(content)
        return said

    def results(self, calls, outputs):
        parts = []
        for call, output in zip(calls, outputs):
            response = types.FunctionResponse(id=call.id, name=call.name, response={"result": output})
            parts.append(types.Part(function_response=response))
        return [types.Content(role="user", parts=parts)]

    def image(self, model, data=None, url=None):
        if url:
            picture = types.Part.from_uri(file_uri=url, mime_type="image/png")
        else:
            picture = types.Part.from_bytes(data=data, mime_type="image/png")
        contents = [types.Content(role="user", parts=[picture, types.Part(text="What is it?")])]
        return self.said(self.of(), model, contents, False, None)[0].text

    def structured(self, model):
        config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Person)
        # A client that nothing holds is closed.
        client = self.of()
        return client.models.generate_content(model=model, contents="Who?", config=config).parsed

    def status(self, error):
        return error.code if isinstance(error, errors.APIError) else None


if __name__ == "__main__":
    run(Client)
