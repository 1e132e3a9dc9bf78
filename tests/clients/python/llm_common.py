"""Simon Willison's `llm`, with the gateway's models in its `extra-openai-models.yaml`."""

import json
import os
import sys
from pathlib import Path

from common import BASE, KEY, MATRIX, Person, Said

HOME = Path(os.environ["CLIENTS_HOME"]) / Path(sys.argv[0]).stem


def models(responses):
    """Writes the file of further models; what is JSON is YAML."""
    prefixes = [upstream["prefix"] for upstream in MATRIX["upstreams"].values()]
    names = [f"{prefix}-{model}" for prefix in prefixes for model in [*MATRIX["models"].values(), "none"]]
    can = {"supports_schema": True, "supports_tools": True, "vision": True, "responses": responses, "api_key_name": "gateway"}
    rows = [{"model_id": f"gateway-{name}", "model_name": name, "api_base": f"{BASE}/v1", **can} for name in names]
    HOME.mkdir(parents=True)
    (HOME / "extra-openai-models.yaml").write_text(json.dumps(rows))
    os.environ["LLM_USER_PATH"] = str(HOME)
    import llm

    # It reads them at the first use, and not from several threads.
    llm.get_models()


class Llm:
    def model(self, name):
        import llm

        return llm.get_model(f"gateway-{name}")

    def ask(self, model, user, system=None, stream=False, key=KEY):
        response = self.model(model).prompt(user, system=system, stream=stream, key=key)
        pieces = [piece for piece in response]
        usage = response.usage()
        tokens = usage.input and (usage.input, usage.output)
        return Said("".join(pieces), len(pieces), None, tokens)

    def conversation(self, model, functions):
        """It runs the functions itself."""
        talk = self.model(model).conversation(tools=functions)
        return lambda user, stream: talk.chain(user, stream=stream, key=KEY).text()

    def image(self, model, data=None, url=None):
        import llm

        picture = llm.Attachment(url=url) if url else llm.Attachment(content=data)
        return self.model(model).prompt("What is it?", attachments=[picture], stream=False, key=KEY).text()

    def structured(self, model):
        said = self.model(model).prompt("Who?", schema=Person, stream=False, key=KEY).text()
        return Person.model_validate_json(said)

    def status(self, error):
        while error is not None:
            if isinstance(getattr(error, "status_code", None), int):
                return error.status_code
            error = error.__cause__
        return None
