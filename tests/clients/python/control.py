"""The proof that the tools' cases prove something: without a signature, or with another, they fail."""

from openai import BadRequestError

from common import MATRIX
from openai_chat import Client


class Cut(Client):
    """A client that cuts off the ids of calls, and so what they carry."""

    def talk(self, model, history, stream):
        said = super().talk(model, history, stream)
        for call in history[-1].get("tool_calls", []):
            call["id"] = call["id"].split("__thought__")[0]
        for call in said.calls:
            call.id = call.id.split("__thought__")[0]
        return said


class Mixed(Client):
    """A client that gives each step the signature of the first one."""

    carried = None

    def talk(self, model, history, stream):
        said = super().talk(model, history, stream)
        if said.calls:
            own, carried = said.calls[0].id.split("__thought__")
            self.carried = self.carried or carried
            said.calls[0].id = history[-1]["tool_calls"][0]["id"] = f"{own}__thought__{self.carried}"
        return said


def step(client, model, history):
    said = client.talk(model, history, False)
    history += client.results(said.calls, ["1", "2"])


for name in ["Gemini (REST)", "Gemini (gRPC)"]:
    model = f"{MATRIX['upstreams'][name]['prefix']}-{MATRIX['models']['sim-signed']}"
    for client, words in [(Cut(), "has no thought signature"), (Mixed(), "is not the one that it was given with")]:
        history = client.user("Question")
        step(client, model, history)
        try:
            step(client, model, history)
            client.talk(model, history, False)
        except BadRequestError as error:
            assert words in str(error), error
        else:
            raise SystemExit(f"{name}: a client that {client.__doc__} was not refused")
