"""Whether a host is reached through a proxy. Loopback never is."""

from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def proxy_for(url: str, https_proxy: str, no_proxy: str) -> str:
    """The proxy for `url`, or "". Only wss and https go through one; `no_proxy` is a comma list of names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "wss") or host in LOOPBACK or not https_proxy:
        return ""
    return "" if proxy_bypass_environment(host, {"no": no_proxy}) else https_proxy
