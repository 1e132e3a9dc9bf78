"""What every client is asked, whatever its own calls look like.

A client's file has a class with a few methods and ends with `run(Client)`. It prints a line of JSON for each cell of the
table: upstream, case, and why it failed, if it did. The upstreams are asked at the same time, each case after the other.

    ask(model, user, system=None, stream=False, key=KEY) -> Said     one question
    user(text) -> list                                               the items of a conversation that ask something
    talk(model, history, stream) -> Said                             asks with TOOLS, and appends the answer to it
    results(calls, outputs) -> list                                  the items that answer its calls
    image(model, data=None, url=None) -> str                         asks about a picture
    structured(model) -> Person                                      asks for an answer by a schema
    conversation(model, functions) -> (user, stream) -> str          instead of talk and results, where it calls by itself
    status(error) -> int | None                                      the HTTP status in the client's own exception
"""

import json
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

BASE = os.environ["CLIENTS_BASE"]
KEY = os.environ["CLIENTS_KEY"]
IMAGE_URL = os.environ["CLIENTS_IMAGE"]
MATRIX = json.loads((Path(__file__).parent.parent / "matrix.json").read_text())
PNG = (Path(__file__).parent.parent / "dot.png").read_bytes()

TOOLS = [
    {
        "name": "get_weather",
        "description": "The weather of a city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Lisbon", "成都"]},
                "days": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
    {
        "name": "get_time",
        "description": "The time in a zone",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string"}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
]
WANTED = [("get_weather", {"city": "Lisbon", "days": [42]}), ("get_time", {"zone": "simulated"})]


class Size(str, Enum):
    small = "S"
    medium = "M"


class Person(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    tags: list[int]
    size: Size


@dataclass
class Call:
    name: str
    arguments: dict
    id: str | None = None


@dataclass
class Said:
    text: str
    pieces: int = 1
    # Why it ended, in the client's own word, and the tokens of prompt and answer.
    end: str | None = None
    tokens: tuple | None = None
    calls: list[Call] = field(default_factory=list)


GOOD_ENDS = {"stop", "end_turn", "STOP", "completed", None}


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def text(client, model):
    said = client.ask(model("sim-echo"), "Hello, 成都", system="Be brief.")
    check("System: Be brief." in said.text and "Hello, 成都" in said.text, f"text: {said}")
    check(said.end in GOOD_ENDS, f"end: {said}")
    check(said.tokens is None or min(said.tokens) > 0, f"tokens: {said}")


def stream(client, model):
    whole = client.ask(model("sim-fast"), "Hello", system="Be brief.")
    said = client.ask(model("sim-fast"), "Hello", system="Be brief.", stream=True)
    # LangChain's model of Google's takes a line's end off a whole answer.
    check(said.text.rstrip("\n") == whole.text.rstrip("\n") and len(said.text) > 200, f"{said.text!r} is not {whole.text!r}")
    check(said.pieces > 20, f"{said.pieces} pieces")
    check(said.end in GOOD_ENDS, f"end: {said.end}")
    check(said.tokens == whole.tokens or None in (said.tokens, whole.tokens), f"{said.tokens}, not {whole.tokens}")


def tools(client, model):
    if hasattr(client, "conversation"):
        return conversation(client, model)
    history, ids = [], set()
    for turn in range(3):
        history += client.user(f"Question {turn}")
        streamed = turn == 1
        said = client.talk(model("sim-signed"), history, streamed)
        steps = 0
        while said.calls:
            steps += 1
            check([(c.name, c.arguments) for c in said.calls] == WANTED, f"turn {turn}, step {steps}: {said.calls}")
            for call in said.calls:
                check(call.id is None or call.id not in ids, f"{call.id} came twice")
                ids.add(call.id)
            outputs = [f"{call.name}: {turn}.{steps}, 18 °C" for call in said.calls]
            history += client.results(said.calls, outputs)
            said = client.talk(model("sim-signed"), history, streamed)
        check(steps == 2, f"turn {turn}: {steps} steps, then {said.text!r}")
        check(all(f"- {output}" in said.text for output in outputs), f"turn {turn}: {said.text!r}")


def conversation(client, model):
    """The same with a client that runs the functions itself."""
    ran = []

    def get_weather(city: str, days: list[int]) -> str:
        """The weather of a city"""
        ran.append(("get_weather", {"city": city, "days": days}))
        return f"get_weather: {len(ran)}, 18 °C"

    def get_time(zone: str) -> str:
        """The time in a zone"""
        ran.append(("get_time", {"zone": zone}))
        return f"get_time: {len(ran)}, 18 °C"

    wanted = [("get_weather", {"city": "simulated", "days": [42]}), WANTED[1]]
    talk = client.conversation(model("sim-signed"), [get_weather, get_time])
    for turn in range(3):
        ran.clear()
        said = talk(f"Question {turn}", turn == 1)
        check(ran == wanted * 2, f"turn {turn}: {ran}, then {said!r}")
        check(all(f"- {output}, 18 °C" in said for output in ("get_weather: 3", "get_time: 4")), f"turn {turn}: {said!r}")


def image(client, model):
    said = client.image(model("sim-echo"), data=PNG)
    check(f"[image/png, {len(PNG)} bytes]" in said and "What is it?" in said, said)


def image_url(client, model):
    said = client.image(model("sim-echo"), url=IMAGE_URL)
    fetched, passed_on = f"[image/png, {len(PNG)} bytes]", "[a file by URL"
    check((fetched in said or passed_on in said) and "What is it?" in said, said)


def structured(client, model):
    person = client.structured(model("sim-json"))
    check(person == Person(name="simulated", tags=[42], size=Size.small), f"{person!r}")


def refused(client, wanted, words, ask):
    """Both ways of asking end in the client's own exception, with the status and the words."""
    for streamed in (False, True):
        try:
            said = ask(streamed)
        except Exception as error:
            status = client.status(error)
            check(status == wanted, f"stream={streamed}: {status}, not {wanted}: {error!r}")
            check(words in str(error), f"stream={streamed}: {words!r} is not in {error}")
        else:
            raise AssertionError(f"stream={streamed}: no exception, but {said}")


def error_401(client, model):
    refused(client, 401, "tokenscope serve --print-token", lambda s: client.ask(model("sim-fast"), "Hi", stream=s, key="wrong"))


def error_404(client, model):
    refused(client, 404, "No route leads to a model", lambda s: client.ask(model("sim-none"), "Hi", stream=s))


def error_429(client, model):
    refused(client, 429, "rate limit reached", lambda s: client.ask(model("sim-rate-limited"), "Hi", stream=s))


def broken(client, model):
    """An answer that breaks off is never taken for a whole one."""
    for streamed in (False, True):
        try:
            said = client.ask(model("sim-cut"), "Hi", stream=streamed)
        except Exception as error:
            check(not isinstance(error, (AssertionError, KeyError, AttributeError, TypeError)), repr(error))
        else:
            raise AssertionError(f"stream={streamed}: no exception, but {said}")


CASES = {
    "text": text,
    "stream": stream,
    "tools": tools,
    "image": image,
    "image by URL": image_url,
    "structured": structured,
    "401": error_401,
    "404": error_404,
    "429": error_429,
    "broken stream": broken,
}


def run(make):
    """Prints the cells of a client. Arguments limit them to upstreams and cases of these names."""
    only, lock = sys.argv[1:], threading.Lock()

    def named(names):
        return [name for name in names if name in only] or list(names)

    out = os.fdopen(os.dup(1), "w")
    # What the clients print is not ours.
    os.dup2(2, 1)

    def upstream(name):
        def model(simulated):
            return f"{MATRIX['upstreams'][name]['prefix']}-{MATRIX['models'].get(simulated, 'none')}"

        for case in MATRIX["cases"]:
            if case not in named(MATRIX["cases"]):
                continue
            why = None
            try:
                CASES[case](make(), model)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"[:600]
                if only:
                    traceback.print_exc()
            with lock:
                print(json.dumps({"upstream": name, "case": case, "why": why}), file=out, flush=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(upstream, named(MATRIX["upstreams"])))
