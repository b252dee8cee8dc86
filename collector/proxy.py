"""Whether a host is reached through a proxy (loopback never is), and words for one that does not serve."""

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


def proxy_name(proxy: str) -> str:
    """Host and port of a proxy's URL; who may use it is left out."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def refused_words(proxy: str, status: str) -> str:
    """What a proxy means that answers with this status."""
    if status == "407":
        return (
            f"the proxy {proxy_name(proxy)} wants another name and password than HTTPS_PROXY has (status 407)"
        )
    return f"the proxy {proxy_name(proxy)} does not let us through (status {status})"


def unreached_words(proxy: str, cause: str) -> str:
    """What is wrong with a proxy that cannot be spoken to. `cause`: the system's word, "" for none."""
    return f"the proxy {proxy_name(proxy)} does not answer ({cause.lower() or 'no reason given'})"


def unresolved_words(proxy: str) -> str:
    """What is wrong with a proxy that nobody knows by its name."""
    return f"the proxy's name {urlsplit(proxy).hostname} cannot be resolved"
