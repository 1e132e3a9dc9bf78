"""The gateway's settings for the clients' cases, and the table of what came of them.

    table.py settings                 prints the settings
    table.py run PYTHON [CLIENT…]     runs clients (all, unless some are named by a part of their names), prints the table,
                                      and writes docs/clients.md if all were run; exit code 1 if a cell is not as it should be
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MATRIX = json.loads((HERE / "matrix.json").read_text())
TOOLS = ROOT / "target/tools/clients"


def settings():
    for prefix in ["", *MATRIX["more_prefixes"]]:
        for upstream in MATRIX["upstreams"].values():
            for simulated, name in MATRIX["models"].items():
                route, target = f"{prefix}{upstream['prefix']}-{name}", f"{upstream['endpoint']}/{simulated}"
                print(f'[gateway.route."{route}"]\ntargets = ["{target}"]\n')
    # The article's model, and the same where its region is forbidden.
    print('[gateway.route."gemini-3-pro-preview"]\ntargets = ["simulator-gemini/sim-fast"]\n')
    print('[gateway.route."gemini-3-pro-in-europe"]\ntargets = ["simulator-gemini/sim-fast"]\nregions = ["europe-west1"]')


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


def cells_of(client, python):
    """What each cell said: nothing if it passed."""
    # Node.js looks for packages beside the file that wants them: tests/clients/run copied it there.
    script = HERE / client["run"] if client["run"].endswith(".py") else TOOLS / client["run"]
    command = [python if client["run"].endswith(".py") else "node", script]
    began = time.monotonic()
    log = open(TOOLS / f"{Path(client['run']).name}.log", "w")
    ran = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, timeout=600)
    print(f"{client['name']}: {time.monotonic() - began:.0f} s", flush=True)
    cells = {}
    for line in ran.stdout.splitlines():
        cell = json.loads(line)
        cells[cell["upstream"], cell["case"]] = cell["why"]
    return cells


def run(python, named):
    clients = [c for c in MATRIX["clients"] if not named or any(n in c["name"] + c["run"] for n in named)]
    rows, wrong = [], []
    # They wait most of the time.
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda client: cells_of(client, python), clients))
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
    print("\n".join(["", *wrong, f"{len(rows) * len(MATRIX['cases'])} cells, {len(wrong)} wrong"]))
    if not wrong and not named:
        (ROOT / "docs/clients.md").write_text(page(head, rows))
    return 1 if wrong else 0


def page(head, rows):
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
    lines += ["", "| Client | Versions |", "|---|---|"]
    lines += [f"| {c['name']} | {', '.join(version(p) for p in c['packages'])} |" for c in MATRIX["clients"]]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1] == "settings":
        settings()
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
