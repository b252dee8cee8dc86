"""What a refresh of either page costs the web, beside an empty callback on the same gunicorn, in one run."""

import http.client
from concurrent.futures import ThreadPoolExecutor

from bench.asking import PATH, PORT, empty_body, market_body, reply, symbol_body
from bench.processes import cpu_s, resident_mb, settle
from bench.report import Result
from bench.web import stocked_stores, web

BUDGET_MS = 0.7
EMPTY_MS = 0.34
"""What an empty callback took on the machine of that budget (DESIGN 4): others are judged by the ratio."""
AT_ONCE = 6
REQUESTS = 500


def run() -> list[Result]:
    """Measure; about half a minute."""
    with stocked_stores() as urls:
        with web(urls, PORT, app="bench.empty_callback:server", workers=1) as served:
            empty_ms, _ = _measure(served.workers[0], "POST", PATH, empty_body())
        with web(urls, PORT, workers=1) as served:
            (pid,) = served.workers
            reply(market_body())  # what is past is read aside, after the first request
            settle(1)
            market = _measure(pid, "POST", PATH, market_body())
            symbol = _measure(pid, "POST", PATH, symbol_body())
            memory = resident_mb(pid)
    return [
        _judged("one refresh of the 100-row Market page, server CPU", *market, empty_ms),
        _judged("one refresh of the Symbol page, server CPU", *symbol, empty_ms),
        Result("an empty callback, the same way", "", f"{empty_ms:.2f} ms ({EMPTY_MS} in DESIGN 4)"),
        Result("memory of a web process", "≤ 120 MB", f"{memory:.0f} MB", memory <= 120),
    ]


def _judged(name: str, refresh_ms: float, size: float, empty_ms: float) -> Result:
    """By the ratio, as the budget's machine is not this one."""
    most = BUDGET_MS / EMPTY_MS
    ratio = refresh_ms / empty_ms
    told = f"{ratio:.2f} × empty: {refresh_ms:.2f} ms, {size / 1000:.1f} kB compressed"
    return Result(name, f"≤ {most:.2f} × an empty callback ({BUDGET_MS} ms)", told, ratio <= most)


def _measure(pid: int, method: str, path: str, body: str | None) -> tuple[float, float]:
    """CPU ms per request with a few viewers at a time who ask without a pause, and mean bytes of a reply."""
    used = cpu_s(pid)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(_ask, method, path, body) for _ in range(AT_ONCE)]
        size = sum(done.result() for done in asked)
    count = AT_ONCE * REQUESTS
    return (cpu_s(pid) - used) / count * 1e3, size / count


def _ask(method: str, path: str, body: str | None) -> int:
    """Ask `REQUESTS` times over one connection; bytes of all replies."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
    size = 0
    for _ in range(REQUESTS):
        client.request(method, path, body, headers)
        answer = client.getresponse()
        size += len(answer.read())
        if answer.status != 200:
            raise SystemExit(f"expected a reply, found status {answer.status}")
    return size
