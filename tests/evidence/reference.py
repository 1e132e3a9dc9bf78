"""What SciPy and the authors' package `confseq` say of the same pairs.

The first argument says of what: `fixed`, `failures` or `watched`. Reads {"pairs": [[a, b], …], "failures": [[a, b], …]} from standard input, writes intervals by name. Nothing here is shared
with the program: ranks come from boundaries of `confseq`, and what it has no function for is written out plainly.
"""

import json
import sys

import numpy
from scipy import integrate, optimize, special, stats

try:
    from confseq.boundaries import beta_binomial_log_mixture, beta_binomial_mixture_bound
except ImportError:  # SciPy alone.
    beta_binomial_log_mixture = beta_binomial_mixture_bound = None

ALPHA = 0.05
TUNED = {0.5: 100, 0.95: 500, 0.99: 2000}


def least(p, n, tuned, alpha):
    """The fewest of n successes that are evidence, at every look, of a chance above p."""
    v = n * p * (1 - p)
    bound = beta_binomial_mixture_bound(
        v=v, alpha=alpha, v_opt=tuned * p * (1 - p), g=p, h=1 - p, alpha_opt=ALPHA / 2, is_one_sided=True
    )
    successes = int(numpy.ceil(n * p + bound - 1e-6))
    return successes if successes <= n and bound < n * (1 - p) - 1e-9 else None


def evidence(p, successes, n, tuned):
    with numpy.errstate(over="ignore"):
        return numpy.exp(
            beta_binomial_log_mixture(
                s=successes - n * p, v=n * p * (1 - p), v_opt=tuned * p * (1 - p), g=p, h=1 - p,
                alpha_opt=ALPHA / 2, is_one_sided=True,
            )
        )


def watched_quantile(values, p):
    values, n = numpy.sort(values), len(values)
    above, below = least(1 - p, n, TUNED[p], ALPHA / 2), least(p, n, TUNED[p], ALPHA / 2)
    return [above and values[n - above], below and values[below - 1]]


def ruled_out(first, second, p):
    """Whether "the p-quantile of the second is at least that of the first" is ruled out: at each value and outside."""
    n = len(first)
    every = numpy.unique(numpy.concatenate([first, second]))
    q = numpy.concatenate([[every[0] - 1], every, [every[-1] + 1]])[:, None]
    above, below = first > q, second < q
    won, lost = numpy.sum(above & below, axis=1), numpy.sum(~above & ~below, axis=1)
    bets = 0.25 * evidence(1 - p, numpy.sum(above, axis=1), n, TUNED[p])
    bets += 0.25 * evidence(p, numpy.sum(below, axis=1), n, TUNED[p])
    # With no pair separated, a stake of one is still one.
    bets += 0.5 * numpy.where(won + lost > 0, evidence(0.5, won, numpy.maximum(won + lost, 1), 50), 1)
    return numpy.min(bets) >= 2 / ALPHA


def watched_shift(a, b, p):
    """The ends of the interval of differences, by halving between differences that are surely out and surely in."""
    spread = numpy.ptp(numpy.concatenate([a, b])) * 2
    middle = numpy.quantile(b, p) - numpy.quantile(a, p)

    def end(sign):
        out, stands = middle + sign * spread, middle
        for _ in range(24):
            tried = (out + stands) / 2
            is_out = ruled_out(a, b - tried, p) if sign > 0 else ruled_out(b, a + tried, p)
            out, stands = (tried, stands) if is_out else (out, tried)
        return out

    return [end(-1), end(1)]


def watched_share(count, n):
    """Robbins' mixture with Jeffreys' distribution, both sides at once."""
    mixed = special.betaln(count + 0.5, n - count + 0.5) - special.betaln(0.5, 0.5)
    gap = lambda p: mixed - special.xlogy(count, p) - special.xlog1py(n - count, -p) - numpy.log(1 / ALPHA)
    seen, tiny = count / n, 1e-12
    return [
        optimize.brentq(gap, tiny, seen) if count else 0,
        optimize.brentq(gap, seen, 1 - tiny) if count < n else 1,
    ]


def watched_failures(a_alone, b_alone, alike):
    """The bets without steps: integrated by SciPy."""

    def ln_evidence(difference, won, lost):
        # Each is a bet of size u / (1 + difference).
        gain = lambda u: (
            won * numpy.log1p(u * (1 - difference) / (1 + difference))
            + alike * numpy.log1p(-u * difference / (1 + difference))
            + lost * numpy.log1p(-u)
        )
        spread = lambda u: (1 - u * u) ** (5.3 / 2 - 1)
        grid = numpy.linspace(1e-6, 1 - 1e-6, 4001)
        best = float(grid[numpy.argmax(gain(grid))])
        most = gain(best)
        total = integrate.quad(lambda u: spread(u) * numpy.exp(gain(u) - most), 0, 1, points=[best], limit=400)[0]
        return most + numpy.log(total / integrate.quad(spread, 0, 1)[0])

    n = a_alone + b_alone + alike
    seen = (b_alone - a_alone) / n

    def low_end(seen, won, lost):
        return optimize.brentq(lambda d: ln_evidence(d, won, lost) - numpy.log(2 / ALPHA), -1 + 1e-6, seen)

    return [low_end(seen, b_alone, a_alone), -low_end(-seen, a_alone, b_alone)]


def plain(value):
    """As JSON has it: an end at infinity is none."""
    if isinstance(value, dict):
        return {name: plain(of) for name, of in value.items()}
    if isinstance(value, list):
        return [plain(of) for of in value]
    if isinstance(value, numpy.generic):
        value = value.item()
    return value if not isinstance(value, float) or numpy.isfinite(value) else None


def fixed(a, b, _failures):
    found = {}
    for name, values in [("difference", b - a), ("ratio", b / a)]:
        interval = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
        found[f"median {name}"] = [interval.low, interval.high]
    for p in (0.5, 0.95):
        interval = stats.quantile_test(a, p=p).confidence_interval(0.95)
        found[f"quantile {p}"] = [interval.low, interval.high]
    bootstrap = stats.bootstrap(
        (a, b), lambda a, b, axis: numpy.quantile(b, 0.95, axis=axis) - numpy.quantile(a, 0.95, axis=axis),
        paired=True, vectorized=True, method="percentile", confidence_level=0.96, n_resamples=9_999, rng=numpy.random.default_rng(1),
    ).confidence_interval
    found["p95 difference"] = [bootstrap.low, bootstrap.high]
    return found


def failures(_a, _b, failures):
    failed_a, failed_b = (numpy.array(side, dtype=bool) for side in zip(*failures))
    count, n = int(failed_b.sum()), len(failures)
    exact = stats.binomtest(count, n).proportion_ci(0.95, "exact")
    alone = int(numpy.sum(failed_a & ~failed_b)), int(numpy.sum(failed_b & ~failed_a))
    return {
        "fixed share": [exact.low, exact.high],
        "watched share": watched_share(count, n),
        "mcnemar": stats.binomtest(alone[1], sum(alone)).pvalue,
        "watched difference": watched_failures(*alone, n - sum(alone)),
    }


def watched(a, b, _failures):
    found = {"median difference": watched_quantile(b - a, 0.5), "median ratio": watched_quantile(b / a, 0.5)}
    for p in (0.5, 0.95, 0.99):
        found[f"quantile {p}"] = watched_quantile(a, p)
    found["p95 difference"] = watched_shift(a, b, 0.95)
    return found


def main():
    given = json.load(sys.stdin)
    a, b = (numpy.array(side, dtype=float) for side in zip(*given["pairs"]))
    found = {"fixed": fixed, "failures": failures, "watched": watched}[sys.argv[1]](a, b, given["failures"])
    json.dump(plain(found), sys.stdout)


main()
