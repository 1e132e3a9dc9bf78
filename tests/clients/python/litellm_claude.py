"""LiteLLM's SDK, by Anthropic's API."""

from common import BASE, run
from litellm_common import LiteLLM


class Client(LiteLLM):
    provider, base = "anthropic", BASE


if __name__ == "__main__":
    run(Client)
