"""LiteLLM's SDK, by Gemini's API."""

import litellm

from common import BASE, MATRIX, run
from litellm_common import LiteLLM


class Client(LiteLLM):
    provider, base = "gemini", f"{BASE}/v1beta"


if __name__ == "__main__":
    # It sends what it knows that a model can do. Names that it does not know are told to it.
    can = {"litellm_provider": "gemini", "mode": "chat", "supports_system_messages": True, "supports_response_schema": True}
    names = [f"{up['prefix']}-{name}" for up in MATRIX["upstreams"].values() for name in MATRIX["models"].values()]
    litellm.register_model({f"gemini/{name}": can for name in names})
    run(Client)
