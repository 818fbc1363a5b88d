"""Which addresses are of the open internet: nothing else may be reached by an address that a stranger wrote.

A name is looked up once and every address that it leads to is judged; whoever connects takes one of these and looks
nothing up again, so that a name cannot lead elsewhere in between (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple

_CLOSED: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # for protocols; 192.0.0.192 tells Oracle's machines who they are
            "168.63.129.16/32",  # Azure's machines ask the machine below them there (learn.microsoft.com)
            "2001::/23",  # for protocols, Teredo among them, which carries other addresses
            "2002::/16",  # 6to4, which does too
            "2001:db8::/32",
            "3fff::/20",
        ),
    )
)
"""What is not of the open internet, although some versions of Python take it for that."""

_OPEN: Final = ipaddress.IPv6Network("2000::/3")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Where a network without IPv4 reaches an IPv4 address: its last 32 bits (RFC 6052)."""


class Internal(Exception):
    """An address that is not of the open internet."""


class Place(NamedTuple):
    """Where to connect to: a socket family, and the address as ``socket.connect`` takes it."""

    family: socket.AddressFamily
    address: tuple[str, int] | tuple[str, int, int, int]


def places_of(
    host: str, port: int, *, internal: bool = False, resolve: Callable[..., Any] = socket.getaddrinfo
) -> list[Place]:
    """Return where a host is.

    Args:
        internal: take addresses of this machine and its network too.
        resolve: looks the name up, as ``socket.getaddrinfo`` does.

    Raises:
        OSError: nobody knows the host.
        Internal: one of its addresses is not of the open internet.
    """
    found = resolve(host, port, type=socket.SOCK_STREAM)
    places = [Place(family, address) for family, _, _, _, address in found]
    for place in () if internal else places:
        if not is_public(place.address[0]):
            raise Internal(place.address[0])
    return places


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the open internet, and not of a machine, a network or their cloud."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)
        if carried is not None:
            return is_public(str(carried))
        if ip not in _OPEN:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _CLOSED)
