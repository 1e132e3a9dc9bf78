"""Has AIPerf, GuideLLM and our own bench ask one simulator the same, one after another, and keeps what the tools saved and printed.

    python3 tests/compatibility/record.py FOLDER TOKENSCOPE OUT

FOLDER is where the tools are installed (once; see benches/load/tools.py), TOKENSCOPE is the program. OUT gets a file TOOL.json for each tool:
`requests`, the stamps that it saved of each request, in nanoseconds, in the words of `BenchRequest`; `window_s`, the time that it divides
throughputs by, if it says so; `printed`, its figures as [n, [mean, p50, p90, p95, p99]]; and `beside`, the same figures as `tokenscope bench
--compat` told them of its own requests. `cargo test --test all compatibility::` reads such files.
"""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benches/load"))
import tools  # noqa: E402

# sim-steady answers any prompt after 300 ms, and then with a token each 20 ms: two tools ask the same, whatever stands around their prompts.
MODEL, STREAMS, REQUESTS, TOKENS = "sim-steady", 4, 40, 24
PERCENTILES = ["p50", "p90", "p95", "p99"]


def aiperf(out):
    """The requests of its raw records, and the figures of its summary."""
    records = next(out.rglob("profile_export_raw.jsonl")).read_text().splitlines()
    summary = json.loads(next(out.rglob("profile_export_aiperf.json")).read_text())
    # A figure of the whole bench has a value alone.
    figures = {name: figure for name, figure in summary.items() if isinstance(figure, dict) and "unit" in figure}
    begin, end = (datetime.datetime.fromisoformat(summary[name]) for name in ("start_time", "end_time"))
    printed = {name: [figure.get("count") or 1, [figure.get(key) for key in ["avg", *PERCENTILES]]] for name, figure in figures.items()}
    return [aiperf_request(json.loads(record)) for record in records], printed, (end - begin).total_seconds()


def aiperf_request(record):
    """Its stamps are of the monotonic clock; a bench begins and ends by the wall clock's time of each start."""
    started = record["metadata"]["request_start_ns"]
    moved = started - record["start_perf_ns"]
    texts, usage = [], {}
    for response in record["responses"]:
        for packet in response["packets"]:
            if packet["name"] != "data" or not packet["value"].startswith("{"):
                continue
            chunk = json.loads(packet["value"])
            usage = chunk.get("usage") or usage
            if any(choice["delta"].get("content") for choice in chunk.get("choices", [])):
                texts.append(response["perf_ns"] + moved)
    return request(started, texts, record["metadata"]["request_end_ns"], usage["prompt_tokens"], usage["completion_tokens"])


def guidellm(out):
    """It keeps the first and the last token alone, as seconds of the wall clock."""
    bench = json.loads((out / "guidellm.json").read_text())["benchmarks"][0]
    printed = {}
    for name, figure in bench["metrics"].items():
        found = figure.get("successful") if isinstance(figure, dict) else None
        if isinstance(found, dict) and "percentiles" in found:
            values = [found["percentiles"][key] for key in PERCENTILES]
            printed[name] = [found["count"], [found["mean"], *values]]
    return [guidellm_request(entry) for entry in bench["requests"]["successful"]], printed, None


def guidellm_request(entry):
    times = {name: round(at * 1e9) for name, at in entry["info"]["timings"].items() if name.endswith(("start", "end", "iteration")) and at}
    texts = [times["first_token_iteration"], times["last_token_iteration"]]
    return request(times["request_start"], texts, times["request_end"], entry["prompt_tokens"], entry["output_tokens"])


def request(started, texts, ended, input_tokens, output_tokens):
    return {
        "started": started,
        "request_sent": started,
        "first_token": texts[0],
        "first_visible": texts[0],
        "last_token": texts[-1],
        "ended": ended,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "pieces": [at - started for at in texts],
    }


def from_zero(requests):
    """With all times since the first start."""
    begin = min(request["started"] for request in requests)
    times = ("started", "request_sent", "first_token", "first_visible", "last_token", "ended")
    ordered = sorted(requests, key=lambda request: request["started"])
    return [{**request, **{name: request[name] - begin for name in times}} for request in ordered]


def run_tool(folder, tool, url):
    with tempfile.TemporaryDirectory() as out:
        work = tools.Work(url, MODEL, STREAMS, REQUESTS, TOKENS, pathlib.Path(out))
        words = [str(word) for word in tools.command(folder, tool, work, export="raw")]
        ran = subprocess.run(words, env=tools.environment(tool), cwd=out, capture_output=True, text=True, check=False)
        if ran.returncode:
            sys.exit(f"{tool} failed:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        requests, printed, window_s = {"aiperf": aiperf, "guidellm": guidellm}[tool](work.out)
    if len(requests) != REQUESTS:
        sys.exit(f"{tool} saved {len(requests)} requests of {REQUESTS}")
    return from_zero(requests), printed, window_s


def run_ours(program, url):
    with tempfile.TemporaryDirectory() as home:
        prompts = pathlib.Path(home) / "prompts.txt"
        prompts.write_text("".join(f"request {number}\n" for number in range(REQUESTS)))
        target = ["--base-url", url, "-m", MODEL]
        load = ["-c", str(STREAMS), "-n", str(REQUESTS), "--prompts", prompts, "--max-tokens", str(TOKENS)]
        words = [program, "bench", *target, *load, "--compat", "--json", "--no-history"]
        environment = {**os.environ, "TOKENSCOPE_CONFIG_DIR": home, "TOKENSCOPE_DATA_DIR": home}
        ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 4):
        sys.exit(f"our own bench failed:\n{ran.stderr}")
    if ran.returncode == 4:
        print("our own bench is not valid: this machine was busy", file=sys.stderr)
    return json.loads(ran.stdout)["compatibility"]


def main(folder, program, out):
    folder, out = pathlib.Path(folder).absolute(), pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for tool in ("aiperf", "guidellm"):
        tools.install(folder, tool)
    with subprocess.Popen([program, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True) as simulator:
        try:
            url = simulator.stdout.readline().strip().rstrip("/")
            ours = run_ours(program, url)
            for tool in ("aiperf", "guidellm"):
                requests, printed, window_s = run_tool(folder, tool, url)
                rows = [row for row in ours if row["tool"] == tool]
                printed = {row["figure"]: printed[row["figure"]] for row in rows}
                beside = {row["figure"]: [row["n"], [row[key] for key in ["mean", *PERCENTILES]]] for row in rows}
                version = tools.PACKAGES[tool].split("==")[1]
                found = {"version": version, "window_s": window_s, "requests": requests, "printed": printed, "beside": beside}
                (out / f"{tool}.json").write_text(json.dumps(found, separators=(",", ":")) + "\n")
        finally:
            simulator.terminate()


main(*sys.argv[1:])
