"""Who asks, as far as limits go."""

import ipaddress

from flask import Request

_SUBSCRIBER_BITS = 64


def address_of(asked: Request) -> str:
    """The other end's address, behind the trusted proxies; of IPv6 the network that one subscriber has."""
    text = asked.remote_addr or ""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    if isinstance(found, ipaddress.IPv4Address):
        return text
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _SUBSCRIBER_BITS), strict=False))
