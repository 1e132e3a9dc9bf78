"""LiteLLM's SDK, by OpenAI's chat completions."""

from common import BASE, run
from litellm_common import LiteLLM


class Client(LiteLLM):
    provider, base = "openai", f"{BASE}/v1"


if __name__ == "__main__":
    run(Client)
