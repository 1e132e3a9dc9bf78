"""LangChain's `ChatGoogleGenerativeAI`."""

from langchain_google_genai import ChatGoogleGenerativeAI

from common import BASE, KEY, run
from langchain_common import LangChain


class Client(LangChain):
    def model(self, name, key=KEY):
        return ChatGoogleGenerativeAI(model=name, base_url=BASE, google_api_key=key, max_retries=1)


if __name__ == "__main__":
    run(Client)
