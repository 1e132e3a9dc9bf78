"""Another load tool as a client of `cargo bench --bench load -- --peers FOLDER`, which runs this.

    python3 benches/load/peers.py install TOOL FOLDER
    python3 benches/load/peers.py measure TOOL FOLDER URL STREAMS REQUESTS TOKENS

`measure` prints JSON: what the tool says of TTFT, and what its processes used. CPU time is that of all of them, their start included; memory
is their proportional set size together (shared pages count once), looked at once a second.

oha can't be told which of its requests had which body: they are matched with the simulator's in the order of starting. Two that began within a
fraction of a millisecond may be exchanged, so that its p99 is an upper bound. It reports the response's head, which the simulator's `sim-bench`
sends together with the first token. The others report the first token.
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import threading

import tools


def children(process):
    """The processes that one has started."""
    for tasks in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
        yield from tasks.read_text().split()


def memory_kib(process):
    """The memory of a process and all that it started."""
    try:
        lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return own + sum(memory_kib(child) for child in children(process))
    except (OSError, ValueError):
        # It has ended.
        return 0


def watch(process, over, peaks):
    while not over.wait(1):
        peaks.append(memory_kib(process.pid))


def run(tool, words, folder):
    """Runs a tool; gives what it printed, and the most memory that it had. What goes wrong is said by its last lines."""
    words, over, peaks = [str(word) for word in words], threading.Event(), [0]
    with (folder / "stdout").open("w") as stdout, (folder / "stderr").open("w") as stderr:
        process = subprocess.Popen(words, stdout=stdout, stderr=stderr, env=tools.environment(tool), cwd=folder)
    watching = threading.Thread(target=watch, args=(process, over, peaks))
    watching.start()
    failed = process.wait()
    over.set()
    watching.join()
    if failed:
        said = (folder / "stderr").read_text() or (folder / "stdout").read_text()
        sys.exit(f"{tool} failed with {failed}:\n{said[-2000:]}")
    return (folder / "stdout").read_text(), max(peaks)


def measure(folder, tool, url, *numbers):
    with tempfile.TemporaryDirectory() as out:
        work = tools.Work(url.rstrip("/"), "sim-bench", *map(int, numbers), pathlib.Path(out))
        printed, peak_kib = run(tool, tools.command(folder, tool, work), work.out)
        answers = sorted(tools.answers(tool, work, printed), key=lambda answer: answer.started)
    if len(answers) != work.requests:
        sys.exit(f"{tool} has figures of {len(answers)} requests of {work.requests}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = max(answer.ended for answer in answers) - answers[0].started
    by_order = answers[0].number is None
    later = list(enumerate(answers))[work.streams :]
    return {
        "samples": [[place if by_order else answer.number, answer.ttft] for place, answer in later],
        "by_order": by_order,
        "wall_ns": wall,
        "cpu_ns": int((used.ru_utime + used.ru_stime) * 1e9),
        "peak_kib": peak_kib,
        "concurrency": sum(answer.ended - answer.started for answer in answers) / wall,
        "valid": None,
    }


def main(what, tool, folder, *rest):
    if what == "install":
        tools.install(pathlib.Path(folder).absolute(), tool)
    else:
        json.dump(measure(pathlib.Path(folder).absolute(), tool, *rest), sys.stdout)


main(*sys.argv[1:])
