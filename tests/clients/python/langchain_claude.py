"""LangChain's `ChatAnthropic`."""

from langchain_anthropic import ChatAnthropic

from common import BASE, KEY, run
from langchain_common import LangChain


class Client(LangChain):
    def model(self, name, key=KEY):
        return ChatAnthropic(model=name, base_url=BASE, api_key=key, max_retries=0)


if __name__ == "__main__":
    run(Client)
