"""Runs other tools on the work of `cargo bench --bench load`, against a simulator of their own, and prints a row for each.

    tokenscope simulate --port 8090 &
    python3 benches/load/peers.py http://127.0.0.1:8090 [--install DIR] [--levels 1,10,100] [--tools openai,oha,aiperf,guidellm]

Nothing is installed unless `--install` names a folder: then each tool of PyPI gets an environment of its own there. `oha` comes from
cargo (`cargo install oha --locked --root DIR`). A tool that is not there is skipped, and named.

openai: an asyncio loop over the official SDK; its error is that of each request, as for our own (the answer's id has the simulator's number).
oha, aiperf, guidellm: the difference of their percentile of TTFT to that of the truth, since their requests can't be told apart by the simulator:
a rough figure, and too small where errors do not depend on TTFT. oha reports the response's head, which the simulator sends with the first token.
CPU time and memory are those of the tool's processes together, its start included.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

PACKAGES = {"openai": ["openai"], "aiperf": ["aiperf==0.13.0"], "guidellm": ["guidellm==0.8.1"]}

OPENAI = r"""
import asyncio, json, sys, time, openai
url, streams, requests, tokens = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="none", max_retries=0)
left, found = iter(range(requests)), []
async def stream():
    for index in left:
        started, first = time.perf_counter_ns(), None
        answer = await client.chat.completions.create(model="sim-bench", stream=True, max_tokens=tokens,
            messages=[{"role": "user", "content": f"request {index}"}])
        async for chunk in answer:
            if first is None and chunk.choices and chunk.choices[0].delta.content:
                first = time.perf_counter_ns() - started
        if index >= streams:
            found.append((int(chunk.id.removeprefix("chatcmpl-sim-")), first))
async def main():
    await asyncio.gather(*[stream() for _ in range(streams)])
asyncio.run(main())
print(json.dumps(found))
"""


def requests_of(streams):
    for most, count in ((10, 60), (100, 600), (500, 2_000)):
        if streams <= most:
            return count
    return streams * 3


def truths(url, after):
    with urllib.request.urlopen(f"{url}/sim/runs?after={after}") as answer:
        runs = json.load(answer)["runs"]
    return {run["run"]: run["written_first_token_ns"] for run in runs if run["written_first_token_ns"]}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def program(folder, tool):
    if folder is None:
        return shutil.which("python3" if tool == "openai" else tool)
    if tool == "oha":
        found = folder / "bin" / "oha"
        return str(found) if found.exists() else shutil.which("oha")
    home = folder / tool
    if not home.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin/pip"), "install", "-q", *PACKAGES[tool]], check=True)
    return str(home / "bin" / ("python" if tool == "openai" else tool))


def command(tool, run, url, streams, requests, tokens, out, tokenizer):
    body = {"model": "sim-bench", "stream": True, "max_tokens": tokens, "messages": [{"role": "user", "content": "request"}]}
    prompts = out / "prompts.jsonl"
    key = "prompt" if tool == "guidellm" else "text"
    prompts.write_text("".join(json.dumps({key: f"request {n}"}) + "\n" for n in range(requests)))
    if tool == "openai":
        return [run, "-c", OPENAI, url, str(streams), str(requests), str(tokens)]
    if tool == "oha":
        return [run, "-n", str(requests), "-c", str(streams), "--no-tui", "-m", "POST", "-T", "application/json", "-d", json.dumps(body),
                "--output-format", "csv", "-o", str(out / "oha.csv"), f"{url}/v1/chat/completions"]
    if tool == "aiperf":
        return [run, "profile", "-m", "sim-bench", "--url", url, "--endpoint-type", "chat", "--streaming", "--tokenizer", tokenizer,
                "--use-server-token-count", "--input-file", str(prompts), "--custom-dataset-type", "single_turn", "--concurrency", str(streams),
                "--request-count", str(requests), "--extra-inputs", f"max_tokens:{tokens}", "--ui", "none", "--no-gpu-telemetry",
                "--no-server-metrics", "--artifact-dir", str(out), "--export-level", "records"]
    return [run, "run", "--backend", f"kind=openai_http,target={url},model=sim-bench", "--profile", f"kind=concurrent,streams={streams}",
            "--constraint", f"kind=max_requests,count={requests}", "--data", f"kind=json_file,path={prompts}",
            "--tokenizer", f"kind=hf_auto,model={tokenizer}", "--output", f"kind=json,path={out / 'guidellm.json'}", "--disable-console"]


def ttfts(tool, out, said):
    """What a tool says of TTFT, in nanoseconds; for openai with the simulator's number of each request."""
    if tool == "openai":
        return json.loads(said)
    if tool == "oha":
        rows = (out / "oha.csv").read_text().splitlines()
        place = rows[0].split(",").index("time-to-first-byte") if "time-to-first-byte" in rows[0] else 3
        return [(None, float(row.split(",")[place]) * 1e9) for row in rows[1:]]
    if tool == "aiperf":
        records = next(out.rglob("profile_export.jsonl")).read_text().splitlines()
        found = (json.loads(record)["metrics"].get("time_to_first_token") for record in records)
        return [(None, figure["value"] * 1e6) for figure in found if figure]
    report = json.loads((out / "guidellm.json").read_text())
    done = report["benchmarks"][0]["requests"]["successful"]
    return [(None, request["time_to_first_token_ms"] * 1e6) for request in done]


def row(tool, run, url, streams, tokenizer):
    requests, tokens = requests_of(streams), 8 if streams == 1 else 64
    before = max(truths(url, 0), default=0)
    with tempfile.TemporaryDirectory() as folder:
        out, used = pathlib.Path(folder), resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        ran = subprocess.run(command(tool, run, url, streams, requests, tokens, out, tokenizer), capture_output=True, text=True, env=environment)
        took = time.monotonic() - began
        if ran.returncode:
            return print(f"| {streams} | {tool} | failed: {ran.stderr.strip().splitlines()[-1:]} |")
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        found, known = ttfts(tool, out, ran.stdout), truths(url, before)
    if tool == "openai":
        errors = [ttft - known[number] for number, ttft in found]
        p50, p99, how = percentile(errors, 0.5), percentile(errors, 0.99), "each request"
    else:
        said = [ttft for _, ttft in found]
        p50, p99 = (percentile(said, share) - percentile(known.values(), share) for share in (0.5, 0.99))
        how = "percentiles"
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(f"| {streams} | {tool} | {len(found)} | {p50 / 1e6:.3f} | {p99 / 1e6:.3f} | {how} | {requests / took:.1f} | {cpu / requests * 1e3:.3f} | {now.ru_maxrss / 1024:.0f} |", flush=True)


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("url")
    asked.add_argument("--install", type=pathlib.Path)
    asked.add_argument("--levels", default="1,10,100,500,1000")
    asked.add_argument("--tools", default="openai,oha,aiperf,guidellm")
    asked.add_argument("--tokenizer", default="", help="a folder with a tokenizer, for aiperf and guidellm")
    asked = asked.parse_args()
    print("| streams | tool | n | error p50 ms | error p99 ms | by | requests/s | CPU ms a request | RSS MiB of the largest process so far |\n|---|---|---|---|---|---|---|---|---|")
    for tool in asked.tools.split(","):
        run = program(asked.install, tool)
        if run is None:
            print(f"| – | {tool} | not installed |")
            continue
        for streams in map(int, asked.levels.split(",")):
            row(tool, run, asked.url.removesuffix("/"), streams, asked.tokenizer)


if __name__ == "__main__":
    main()
