"""LiteLLM's SDK, by Gemini's API."""

from common import BASE, run
from litellm_common import LiteLLM


class Client(LiteLLM):
    provider, base = "gemini", f"{BASE}/v1beta"


if __name__ == "__main__":
    # It sends what it knows of a model by its name: this one takes system instructions and schemas.
    run(Client, "gemini-3-for-")
