"""What a refresh of either page costs the web, beside the cheapest request on the same gunicorn."""

import http.client
from concurrent.futures import ThreadPoolExecutor

from bench.asking import PATH, PORT, market_body, reply, symbol_body
from bench.processes import cpu_s, resident_mb, settle
from bench.report import Result
from bench.web import stocked_stores, web

BUDGET_MS = 0.7
AT_ONCE = 6
REQUESTS = 500


def run() -> list[Result]:
    """Measure; about half a minute."""
    with stocked_stores() as urls, web(urls, PORT, workers=1) as served:
        (pid,) = served.workers
        reply(market_body())  # what is past is read aside, after the first request
        settle(1)
        refresh_ms, size = _measure(pid, "POST", PATH, market_body())
        symbol_ms, symbol_size = _measure(pid, "POST", PATH, symbol_body())
        least_ms, _ = _measure(pid, "GET", "/healthz", None)
        memory = resident_mb(pid)
    return [
        Result(
            "one refresh of the 100-row Market page, server CPU",
            f"≤ {BUDGET_MS} ms",
            f"{refresh_ms:.2f} ms, {size / 1000:.1f} kB compressed, {refresh_ms / least_ms:.1f} × /healthz",
            refresh_ms <= BUDGET_MS,
        ),
        Result(
            "one refresh of the Symbol page, server CPU",
            f"≤ {BUDGET_MS} ms",
            f"{symbol_ms:.2f} ms, {symbol_size / 1e3:.1f} kB, {symbol_ms / least_ms:.1f} × /healthz",
            symbol_ms <= BUDGET_MS,
        ),
        Result("a request for /healthz, the same way", "", f"{least_ms:.2f} ms"),
        Result("memory of a web process", "≤ 120 MB", f"{memory:.0f} MB", memory <= 120),
    ]


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
