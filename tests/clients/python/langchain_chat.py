"""LangChain's `ChatOpenAI`, chat completions."""

from langchain_openai import ChatOpenAI

from common import BASE, KEY, run
from langchain_common import LangChain


class Client(LangChain):
    def model(self, name, key=KEY):
        return ChatOpenAI(model=name, base_url=f"{BASE}/v1", api_key=key, max_retries=0, stream_usage=True)


if __name__ == "__main__":
    run(Client)
