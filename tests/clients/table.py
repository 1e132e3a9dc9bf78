"""The gateway's settings for the clients' cases, and the table of what came of them.

    table.py settings [REGION]        prints the settings; with a region, those of the article's model alone, in that region
    table.py run PYTHON [CLIENT…]     runs clients (all, unless some are named by a part of their names), prints the table,
                                      and writes docs/clients.md if all were run; exit code 1 if a cell is not as it should be
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from queue import Queue

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MATRIX = json.loads((HERE / "matrix.json").read_text())
ARTICLE = "gemini-3-pro-preview"
TOOLS = ROOT / "target/tools/clients"


def settings(region=None):
    if region:
        print(f'[gateway.route."{ARTICLE}"]\ntargets = ["simulator-gemini/sim-fast"]\nregions = ["{region}"]')
        return
    for upstream in MATRIX["upstreams"].values():
        for simulated, name in MATRIX["models"].items():
            print(f'[gateway.route."{upstream["prefix"]}-{name}"]\ntargets = ["{upstream["endpoint"]}/{simulated}"]\n')


def version(package):
    """The version that is installed."""
    if package.startswith("npm:"):
        own = TOOLS / "node_modules" / package[4:] / "package.json"
        return f"{package[4:]} {json.loads(own.read_text())['version']}"
    return f"{package} {metadata.version(package)}"


def outside(client, upstream, case):
    """The number of the note that says why a cell can't pass."""
    for number, row in enumerate(MATRIX["outside"], 1):
        is_named = all(
            name in row.get(key, [name])
            for key, name in [("clients", client), ("upstreams", upstream), ("cases", case)]
        )
        if is_named:
            return number
    return None


def cells_of(client, python, bases):
    """What each cell said: nothing if it passed."""
    # Node.js looks for packages beside the file that wants them: tests/clients/run copied it there.
    script = HERE / client["run"] if client["run"].endswith(".py") else TOOLS / client["run"]
    command = [python if client["run"].endswith(".py") else "node", script]
    began = time.monotonic()
    log = open(TOOLS / f"{Path(client['run']).name}.log", "w")
    base = bases.get()
    environment = os.environ | {"CLIENTS_BASE": base}
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, timeout=600, env=environment)
    bases.put(base)
    print(f"{client['name']}: {time.monotonic() - began:.0f} s", flush=True)
    cells = {}
    for line in ran.stdout.splitlines():
        cell = json.loads(line)
        cells[cell["upstream"], cell["case"]] = cell["why"]
    return cells


def article(python):
    """What the article's script prints, by case, and whether that is as it should be."""
    first, abroad = os.environ["CLIENTS_BASES"].split()[0], os.environ["CLIENTS_ABROAD"]
    key = os.environ["CLIENTS_KEY"]
    for case, base, key, code, words in [
        ("the gateway's key", first, key, 0, ["TTFT: ", " ms\n\n", "simulated", "Tokenscope"]),
        ("a wrong key", first, "wrong", 1, ["401: ", "tokenscope serve --print-token"]),
        ("a region that the route forbids", abroad, key, 1, ["403: ", "europe-west1"]),
    ]:
        environment = os.environ | {"LLM_BASE_URL": f"{base}/v1", "LLM_API_KEY": key}
        command = [python, HERE / "python/article.py"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
        said = ran.stdout if code == 0 else ran.stderr
        yield case, said, ran.returncode == code and all(word in said for word in words)


def control(python):
    """Why the cases of signatures prove nothing, if they don't."""
    environment = os.environ | {"CLIENTS_BASE": os.environ["CLIENTS_BASES"].split()[0]}
    ran = subprocess.run([python, HERE / "python/control.py"], capture_output=True, text=True, timeout=60, env=environment)
    return ran.stderr if ran.returncode else None


def run(python, named):
    clients = [c for c in MATRIX["clients"] if not named or any(n in c["name"] + c["run"] for n in named)]
    rows, wrong = [], []
    # They wait most of the time.
    bases = Queue()
    for base in os.environ["CLIENTS_BASES"].split():
        bases.put(base)
    with ThreadPoolExecutor(bases.qsize()) as pool:
        done = list(pool.map(lambda client: cells_of(client, python, bases), clients))
    for client, cells in zip(clients, done):
        for upstream in MATRIX["upstreams"]:
            row = [client["name"], upstream]
            for case in MATRIX["cases"]:
                why = cells.get((upstream, case), "it did not run")
                note = outside(client["name"], upstream, case)
                if note and why is None:
                    wrong.append(f"{client['name']}, {upstream}, {case}: passes, in spite of note {note}")
                elif why and not note:
                    wrong.append(f"{client['name']}, {upstream}, {case}: {why}")
                row.append(f"({note})" if note else "✓" if why is None else "WRONG")
            rows.append(row)
    head = ["Client", "Upstream", *MATRIX["cases"]]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    for row in [head, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)))
    articles = list(article(python))
    wrong += [f"the article's script with {case}: {said}" for case, said, holds in articles if not holds]
    unproven = control(python)
    wrong += [f"signatures: {unproven}"] if unproven else []
    print("\n".join(["", *wrong, f"{len(rows) * len(MATRIX['cases'])} cells, {len(wrong)} wrong"]))
    if not wrong and not named:
        (ROOT / "docs/clients.md").write_text(page(head, rows, articles))
    return 1 if wrong else 0


def page(head, rows, articles):
    lines = [
        "# Official clients",
        "",
        "[Back to the gateway](gateway.md)",
        "",
        "Each client, unmodified, through `tokenscope serve --simulator`, which translates to the protocol of each of the simulator's endpoints. Made by `bash tests/clients/run`; don't edit it.",
        "",
        *(f"- **{case}:** {what}" for case, what in MATRIX["cases"].items()),
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", "A number says that a cell can't pass for a reason outside the gateway:", ""]
    lines += [f"{number}. {row['why']}" for number, row in enumerate(MATRIX["outside"], 1)]
    lines += [
        "",
        "Where the ids of calls are cut off, or each step gets the first one's signature, the tools' case fails with Gemini's status 400: the run checks that, too.",
        "",
        "## A first script",
        "",
        "`tests/clients/python/article.py` asks `gemini-3-pro-preview` by OpenAI's client for Python, with no more than `LLM_BASE_URL` and `LLM_API_KEY` set. It prints the time to the first token and the answer; with a wrong key, or where the route's regions forbid its target, it prints:",
        "",
        *(f"- {case}: `{said.strip().replace('`', chr(39))}`" for case, said, _ in articles[1:]),
        "",
        "## Versions",
    ]
    lines += ["", "| Client | Versions |", "|---|---|"]
    lines += [f"| {c['name']} | {', '.join(version(p) for p in c['packages'])} |" for c in MATRIX["clients"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1] == "settings":
        settings(*sys.argv[2:])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
