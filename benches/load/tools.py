"""Other load tools: how each is installed and run, and where it says what of each request.

The work is the same for all: REQUESTS prompts, "request 0", "request 1" and so on, by STREAMS streams in a closed loop, from a server that
speaks openai-chat. Each tool of PyPI gets a Python environment of its own in the folder; oha is built by cargo, which takes some minutes.
"""

import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

PACKAGES = {"openai": "openai==3.54.0", "aiperf": "aiperf==0.13.0", "guidellm": "guidellm==0.8.1"}
OHA = "1.16.0"
TOOLS = [*PACKAGES, "oha"]

# AIPerf and GuideLLM want a tokenizer, though the server counts tokens. This one takes each word for one.
TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
}
TOKENIZER_CONFIG = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}


@dataclasses.dataclass
class Work:
    """What is asked, at a base URL that ends in /v1; what a tool saves goes into the folder `out`."""

    url: str
    model: str
    streams: int
    requests: int
    tokens: int
    out: pathlib.Path

    @property
    def server(self):
        """The server's URL, for tools that add the whole path."""
        return self.url.removesuffix("/v1")

    def prompts(self, key):
        """A file of JSON lines with a prompt each."""
        file = self.out / "prompts.jsonl"
        file.write_text("".join(json.dumps({key: f"request {n}"}) + "\n" for n in range(self.requests)))
        return file

    def body(self, number):
        messages = [{"role": "user", "content": f"request {number}"}]
        return json.dumps({"model": self.model, "stream": True, "max_tokens": self.tokens, "messages": messages})


@dataclasses.dataclass
class Answer:
    """What a tool says of a request that was answered: the prompt's number, if it is told, and times in nanoseconds."""

    number: int | None
    started: int
    ttft: int
    ended: int


def install(folder, tool):
    """Installs a tool into the folder, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    if tool == "oha":
        if not (folder / "oha/bin/oha").exists():
            cargo = ["cargo", "install", "oha", "--version", OHA, "--locked", "--root", folder / "oha"]
            subprocess.run(cargo, check=True, stdout=sys.stderr)
        return
    installed = folder / tool / "installed"
    if not installed.exists() or installed.read_text() != PACKAGES[tool]:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / tool], check=True)
        pip = [folder / tool / "bin/python", "-m", "pip", "install", "-q", PACKAGES[tool]]
        subprocess.run(pip, check=True, stdout=sys.stderr)
        installed.write_text(PACKAGES[tool])


def tokenizer(folder):
    """The folder with the tokenizer."""
    home = folder / "tokenizer"
    home.mkdir(exist_ok=True)
    (home / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (home / "tokenizer_config.json").write_text(json.dumps(TOKENIZER_CONFIG))
    return home


def command(folder, tool, work, export="records"):
    """The words of the command; `export` is what AIPerf saves: `records`, or `raw` for the time of each chunk, too."""
    if tool == "openai":
        script = pathlib.Path(__file__).with_name("openai_client.py")
        numbers = map(str, (work.streams, work.requests, work.tokens))
        return [folder / "openai/bin/python", script, work.url, work.model, *numbers]
    if tool == "oha":
        return oha(folder, work)
    if tool == "aiperf":
        return aiperf(folder, work, export)
    return guidellm(folder, work)


def oha(folder, work):
    bodies = work.out / "bodies.jsonl"
    bodies.write_text("".join(work.body(number) + "\n" for number in range(work.requests)))
    load = ["-n", str(work.requests), "-c", str(work.streams), "-m", "POST", "-T", "application/json", "-Z", bodies]
    output = ["--no-tui", "--output-format", "csv", "-o", work.out / "oha.csv"]
    return [folder / "oha/bin/oha", *load, *output, f"{work.url}/chat/completions"]


def aiperf(folder, work, export):
    server = ["-m", work.model, "--url", work.server, "--endpoint-type", "chat", "--streaming"]
    prompts = ["--input-file", work.prompts("text"), "--custom-dataset-type", "single_turn"]
    load = ["--concurrency", str(work.streams), "--request-count", str(work.requests), "--extra-inputs", f"max_tokens:{work.tokens}"]
    counts = ["--tokenizer", tokenizer(folder), "--use-server-token-count"]
    output = ["--artifact-dir", work.out, "--export-level", export, "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics"]
    return [folder / "aiperf/bin/aiperf", "profile", *server, *prompts, *load, *counts, *output]


def guidellm(folder, work):
    backend = f"kind=openai_http,target={work.server},model={work.model},max_tokens={work.tokens},validate_backend=false"
    load = ["--profile", f"kind=concurrent,streams={work.streams}", "--constraint", f"kind=max_requests,count={work.requests}"]
    data = ["--data", f"kind=json_file,path={work.prompts('prompt')}", "--tokenizer", f"kind=hf_auto,model={tokenizer(folder)}"]
    output = ["--output", f"kind=json,path={work.out / 'guidellm.json'}", "--disable-console"]
    return [folder / "guidellm/bin/guidellm", "run", "--backend", backend, *load, *data, *output]


def environment(tool):
    """GuideLLM is not to ask a hub of models; AIPerf takes a folder with a tokenizer only if it may."""
    return {**os.environ, "HF_HUB_OFFLINE": "1"} if tool == "guidellm" else dict(os.environ)


def number_in(text):
    """The number of the prompt in a request."""
    digits = text.rsplit("request ", 1)[1]
    return int("".join(letter for letter in digits.split('"')[0] if letter.isdigit()))


def answers(tool, work, printed):
    """What a tool says of each request that was answered."""
    if tool == "openai":
        return [Answer(number, started, first - started, ended) for number, started, first, ended in json.loads(printed)]
    if tool == "oha":
        return list(oha_answers(work.out / "oha.csv"))
    if tool == "aiperf":
        return list(aiperf_answers(work.out))
    return list(guidellm_answers(work.out))


def oha_answers(file):
    """oha says when the head of the response came. Which body a request had it does not say."""
    with file.open() as lines:
        for row in csv.DictReader(lines):
            started, first, duration = (float(row[name]) for name in ("request-start", "Response-delay", "request-duration"))
            yield Answer(None, int(started * 1e9), int(first * 1e9), int((started + duration) * 1e9))


def aiperf_answers(out):
    payloads = json.loads(next(out.rglob("inputs.json")).read_text())["data"]
    numbers = {entry["session_id"]: number_in(json.dumps(entry["payloads"][0])) for entry in payloads}
    for line in next(out.rglob("profile_export.jsonl")).read_text().splitlines():
        record = json.loads(line)
        ttft = record["metrics"].get("time_to_first_token")
        if ttft:
            about = record["metadata"]
            number = numbers[about["conversation_id"]]
            yield Answer(number, about["request_start_ns"], int(ttft["value"] * 1e6), about["request_end_ns"])


def guidellm_answers(out):
    report = json.loads((out / "guidellm.json").read_text())
    for request in report["benchmarks"][0]["requests"]["successful"]:
        times = request["info"]["timings"]
        started, ended = (int(times[name] * 1e9) for name in ("request_start", "request_end"))
        yield Answer(number_in(request["request_args"]), started, int(request["time_to_first_token_ms"] * 1e6), ended)
