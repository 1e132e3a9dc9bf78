"""The figures of the stamps on standard input, by the code of vLLM, GuideLLM and AIPerf as it is installed here, and by
llmperf's formulae (it is on no registry).

In: JSON, a list of requests; times in nanoseconds. Out: JSON, {"tools": {tool: {figure: [n, [mean, p50, p90, p95, p99]]}},
"anew": {tool: [figure]}, "missing": {tool: why}}. A figure of the whole bench has its value as the mean. `anew` names the figures that
are no code of the tool's but its formulae, written anew here. `tests/compatibility/run` installs what is needed.
"""

import ast
import importlib.metadata
import importlib.util
import json
import os
import sys
import types
import warnings

import numpy as np

QUANTILES = [50, 90, 95, 99]


# Figures whose formulae are written anew here.
ANEW = {
    "aiperf": ["output_token_throughput", "request_throughput"],
    "llmperf": [
        "inter_token_latency_s",
        "ttft_s",
        "end_to_end_latency_s",
        "request_output_throughput_token_per_s",
        "mean_output_throughput_token_per_s",
        "num_completed_requests_per_min",
    ],
}


def linear(values):
    values = [value for value in values if value is not None]
    if not values:
        return [0, None, None, None, None, None]
    return [len(values), float(np.mean(values)), *map(float, np.percentile(values, QUANTILES))]


def whole(value):
    return [1, float(value), None, None, None, None]


def chunk_times(request):
    """When each chunk with text came, in seconds since the start."""
    return [at / 1e9 for at in request["pieces"]]


def stamped(request, name):
    return (request[name] - request["started"]) / 1e9


# vLLM


def vllm_source():
    """The text of its serve.py: importing it would take torch."""
    given = os.environ.get("TOKENSCOPE_VLLM")
    if given:
        with open(os.path.join(given, "vllm/benchmarks/serve.py"), encoding="utf-8") as file:
            return file.read()
    spec = importlib.util.find_spec("vllm")
    if spec is None:
        raise ImportError("vllm is not installed, and TOKENSCOPE_VLLM names no folder with its package")
    with open(os.path.join(spec.submodule_search_locations[0], "benchmarks/serve.py"), encoding="utf-8") as file:
        return file.read()


def vllm_module():
    """Its calculate_metrics with what that needs."""
    wanted = {"BenchmarkMetrics", "calculate_metrics", "MILLISECONDS_TO_SECONDS_CONVERSION"}

    def is_wanted(node):
        if isinstance(node, ast.Assign):
            return any(getattr(target, "id", None) in wanted for target in node.targets)
        return getattr(node, "name", None) in wanted

    tree = ast.parse(vllm_source())
    tree.body = [node for node in tree.body if is_wanted(node)]
    future = ast.parse("from __future__ import annotations\nfrom dataclasses import dataclass, field").body
    tree.body = future + tree.body
    module = types.ModuleType("serve")
    sys.modules["serve"] = module
    module.__dict__.update(np=np, warnings=warnings, TERM_PLOTLIB_AVAILABLE=False)
    exec(compile(ast.fix_missing_locations(tree), "serve.py", "exec"), module.__dict__)
    return module


def vllm_figures(module, requests, stamps):
    """Its figures of what its client would have stamped: when chunks came that count, in seconds since the start."""
    outputs = []
    for request in requests:
        times = stamps(request)
        outputs.append(
            types.SimpleNamespace(
                success=True,
                start_time=request["started"] / 1e9,
                ttft=times[0],
                latency=times[-1],
                itl=[float(gap) for gap in np.diff(times)],
                output_tokens=request["output_tokens"],
                prompt_len=request["input_tokens"],
                generated_text="",
                input_audio_duration=0.0,
                error="",
            )
        )
    begin = min(request["started"] for request in requests)
    duration = (max(request["ended"] for request in requests) - begin) / 1e9
    stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        metrics, _ = module.calculate_metrics([], outputs, duration, None, QUANTILES, {})
    finally:
        sys.stdout = stdout

    def figure(name, count):
        percentiles = dict(getattr(metrics, f"percentiles_{name}_ms"))
        return [count, getattr(metrics, f"mean_{name}_ms"), *(percentiles[p] for p in QUANTILES)]

    several = sum(request["output_tokens"] > 1 for request in requests)
    gaps = sum(len(output.itl) for output in outputs)
    counts = {"ttft": len(requests), "tpot": several, "itl": gaps, "e2el": len(requests)}
    return metrics, {name: figure(name, count) for name, count in counts.items()}


def vllm(requests):
    module = vllm_module()

    def of_text(request):
        times = chunk_times(request)
        times[0], times[-1] = stamped(request, "first_token"), stamped(request, "last_token")
        return times

    def with_choices(request):
        """As earlier versions had it: a chunk with a role or a finish reason, too, if it came apart from text."""
        times = of_text(request)
        first, last = stamped(request, "first_event"), stamped(request, "finished")
        before, after = [first] if first < times[0] else [], [last] if last > times[-1] else []
        return before + times + after

    metrics, figures = vllm_figures(module, requests, of_text)
    _, earlier = vllm_figures(module, requests, with_choices)
    figures.update({f"{name}, earlier versions": figure for name, figure in earlier.items()})
    for name in ("request_throughput", "output_throughput", "total_token_throughput"):
        figures[name] = whole(getattr(metrics, name))
    return figures


# GuideLLM


def guidellm(requests):
    from guidellm.schemas.base.info import RequestInfo, RequestTimings
    from guidellm.schemas.base.request import UsageMetrics
    from guidellm.schemas.base.request_stats import GenerativeRequestStats
    from guidellm.schemas.base.statistics import DistributionSummary

    def stats(request):
        timings = RequestTimings(
            request_start=request["request_sent"] / 1e9,
            request_end=request["ended"] / 1e9,
            resolve_end=request["ended"] / 1e9,
            first_token_iteration=request["first_token"] / 1e9,
            first_output_token_iteration=request["first_visible"] / 1e9,
            last_token_iteration=request["last_token"] / 1e9,
            token_iterations=len(request["pieces"]),
        )
        return GenerativeRequestStats(
            request_id="r",
            info=RequestInfo(timings=timings),
            input_metrics=UsageMetrics(text_tokens=request["input_tokens"]),
            output_metrics=UsageMetrics(text_tokens=request["output_tokens"]),
        )

    all_stats = [stats(request) for request in requests]
    begin = min(request["request_sent"] for request in requests) / 1e9
    end = max(request["ended"] for request in requests) / 1e9

    def figure(values):
        summary = DistributionSummary.from_values(values)
        percentiles = summary.percentiles
        weights = [value[1] for value in values if isinstance(value, tuple) and value[1] > 0]
        count = len(weights) if values and isinstance(values[0], tuple) else len(values)
        return [count, summary.mean, percentiles.p50, percentiles.p90, percentiles.p95, percentiles.p99]

    def rate(events):
        return whole(DistributionSummary.rate_distribution_from_timings(events, begin, end).mean)

    # The functions of GenerativeMetrics.compile.
    return {
        "request_latency": figure([it.request_latency or 0.0 for it in all_stats]),
        "time_to_first_token_ms": figure([it.time_to_first_token_ms or 0.0 for it in all_stats]),
        "time_to_first_output_token_ms": figure([it.time_to_first_output_token_ms or 0.0 for it in all_stats]),
        "time_per_output_token_ms": figure(
            [(it.time_per_output_token_ms or 0.0, it.output_tokens or 0.0) for it in all_stats]
        ),
        "inter_token_latency_ms": figure(
            [(it.inter_token_latency_ms or 0.0, (it.output_tokens or 1.0) - 1.0) for it in all_stats]
        ),
        "requests_per_second": rate([it.request_end_time for it in all_stats]),
        "output_tokens_per_second": rate([timing for it in all_stats for timing in it.output_tokens_timings]),
    }


# AIPerf


def aiperf(requests):
    from aiperf.metrics.metric_dicts import MetricRecordDict, metric_result_from_array
    from aiperf.metrics.types.e2e_output_throughput_metric import E2EOutputTokenThroughputMetric
    from aiperf.metrics.types.inter_chunk_latency_metric import InterChunkLatencyMetric
    from aiperf.metrics.types.inter_token_latency_metric import InterTokenLatencyMetric
    from aiperf.metrics.types.output_sequence_length_metric import OutputSequenceLengthMetric
    from aiperf.metrics.types.output_token_throughput_metrics import OutputTokenThroughputPerUserMetric
    from aiperf.metrics.types.request_latency_metric import RequestLatencyMetric
    from aiperf.metrics.types.ttft_metric import TTFTMetric
    from aiperf.metrics.types.ttst_metric import TTSTMetric

    def record(request):
        # A response with text for each piece; the first and the last have the exact stamps.
        times = [request["started"] + at for at in request["pieces"]]
        times[0], times[-1] = request["first_token"], request["last_token"]
        responses = [types.SimpleNamespace(perf_ns=at, data="text") for at in times]
        return types.SimpleNamespace(
            request=types.SimpleNamespace(start_perf_ns=request["started"]),
            start_perf_ns=request["started"],
            content_responses=responses,
            token_counts=types.SimpleNamespace(
                output=request["output_tokens"], reasoning=None, first_content_chunk_tokens=None
            ),
        )

    # Each after those that it requires. Tags are the figures' names.
    metrics = [
        TTFTMetric,
        TTSTMetric,
        RequestLatencyMetric,
        OutputSequenceLengthMetric,
        InterTokenLatencyMetric,
        InterChunkLatencyMetric,
        OutputTokenThroughputPerUserMetric,
        E2EOutputTokenThroughputMetric,
    ]
    values = {metric.tag: [] for metric in metrics}
    for request in requests:
        parsed, known = record(request), MetricRecordDict()
        for metric in metrics:
            try:
                value = metric()._parse_record(parsed, known)
            except Exception as error:
                if type(error).__name__ != "NoMetricValue":
                    raise
                continue
            if isinstance(value, list):
                values[metric.tag].extend(value)
            else:
                known[metric.tag] = value
                values[metric.tag].append(value)

    def figure(metric):
        found = np.array(values[metric.tag], dtype=np.float64)
        if metric.display_unit and metric.display_unit != metric.unit:
            found = np.array([metric.unit.convert_to(metric.display_unit, value) for value in found])
        result = metric_result_from_array(metric.tag, metric.header, "", found, float(found.sum()))
        return [result.count, result.avg, result.p50, result.p90, result.p95, result.p99]

    figures = {metric.tag: figure(metric) for metric in metrics if metric is not OutputSequenceLengthMetric}
    # OutputTokenThroughputMetric and RequestThroughputMetric, which need its whole pipeline: over the time of its phase, not over
    # BenchmarkDurationMetric.
    begin = min(request["started"] for request in requests)
    duration = (max(request["ended"] for request in requests) - begin) / 1e9
    figures["output_token_throughput"] = whole(sum(request["output_tokens"] for request in requests) / duration)
    figures["request_throughput"] = whole(len(requests) / duration)
    return figures


# llmperf


def llmperf(requests):
    """Its formulae, written anew: token_benchmark_ray.py and openai_chat_completions_client.py."""
    ends = [stamped(request, "ended") for request in requests]
    tokens = [request["output_tokens"] for request in requests]
    begin = min(request["started"] for request in requests)
    duration = (max(request["ended"] for request in requests) - begin) / 1e9
    between = [stamped(request, "last_token") / count for request, count in zip(requests, tokens)]
    return {
        "inter_token_latency_s": linear(between),
        "ttft_s": linear([stamped(request, "first_visible") for request in requests]),
        "end_to_end_latency_s": linear(ends),
        "request_output_throughput_token_per_s": linear([count / end for count, end in zip(tokens, ends)]),
        "mean_output_throughput_token_per_s": whole(sum(tokens) / duration),
        "num_completed_requests_per_min": whole(len(requests) / duration * 60),
    }


def main():
    requests = json.load(sys.stdin)
    found = {"tools": {}, "anew": ANEW, "missing": {}, "versions": {}}
    for tool in (vllm, guidellm, llmperf, aiperf):
        name = tool.__name__
        try:
            found["tools"][name] = tool(requests)
        except ImportError as error:
            found["missing"][name] = str(error)
        try:
            found["versions"][name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    for figures in found["tools"].values():
        for name, (count, *values) in figures.items():
            figures[name] = [count, values]
    json.dump(found, sys.stdout)


main()
