"""Which addresses of the Internet are public, and which belong to some network alone."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry
_SPECIAL_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"),
            *("169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
            *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        ),
    )
)
# https://www.iana.org/assignments/iana-ipv6-special-registry
_ASSIGNED_6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20"))
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PROXY_PLACEHOLDERS = ipaddress.IPv4Network("198.18.0.0/15")
"""Some proxies that take all of a machine's connections answer every name with one of
these, and connect to the real address themselves.
"""
_LOCAL_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "private"),
    *("lan", "home", "corp", "home.arpa"),
)
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+", re.ASCII)
_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)", re.ASCII | re.DOTALL)
"""Matches a host that would be read as an IPv4 address, in however odd a spelling."""


def parsed(host: str) -> Address | None:
    """Returns an address in its usual spelling; None for anything else."""
    try:
        return ipaddress.ip_address(host.removesuffix("."))
    except ValueError:
        return None


def is_loopback(address: Address) -> bool:
    """Tells whether an address is this machine itself."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_public(address: Address) -> bool:
    """Tells whether an address is one of the whole Internet."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_4)
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    if address.scope_id or address not in _ASSIGNED_6:
        return False
    return not any(address in network for network in _SPECIAL_6)


def is_public_answer(address: Address) -> bool:
    """Tells whether a name that leads to this address may be followed."""
    if isinstance(address, ipaddress.IPv4Address) and address in _PROXY_PLACEHOLDERS:
        return True
    return is_public(address)


def may_be_public(host: str) -> bool:
    """Tells whether a host of a URL is a public address, or a name that may have one."""
    address = parsed(host)
    if address is not None:
        return is_public(address)
    name = host.lower().removesuffix(".")
    if _NUMBER.fullmatch(name) or not _NAME.fullmatch(name):
        return False
    return not any(name.endswith(f".{ending}") for ending in _LOCAL_NAMES)


def is_own_name(host: str) -> bool:
    """Tells whether a host of a URL is a loopback address, or a name that means one."""
    address = parsed(host)
    if address is not None:
        return is_loopback(address)
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Returns the IPv4 address to which an IPv6 address stands; None without one."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
