"""A file of the open internet: what is read, and everything that must not be reached or waited for."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import pytest

from comfy_headless.transport.public import is_public
from comfy_headless.transport.web import Page, Rules, Unread, read_page
from tests.transport.files import CERTIFICATE, HERE, PUBLIC, Files, serving

MOST = 2**20


@pytest.fixture(scope="module")
def host() -> Iterator[Files]:
    """A host under the names files.example and more.example."""
    with serving(
        {"/w.json": ("application/json", b'{"1": {}}'), "/a b/ü.json": ("text/plain; charset=x", b"{}")}
    ) as files:
        files.files["/a%20b/%C3%BC.json"] = files.files.pop("/a b/ü.json")
        yield files


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host's certificate is one that is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


def read(url: str, rules: Rules) -> Page:
    return read_page(url, lambda head: MOST, rules)


def test_a_file_is_read(host: Files) -> None:
    """It comes as it is, with its media type; nothing packed is asked for, and no proxy."""
    assert read(f"{HERE}/w.json", host.rules()) == Page(b'{"1": {}}', "application/json")
    path, headers = host.asked[-1]
    assert (path, headers["Host"], headers["Accept-Encoding"]) == ("/w.json", "files.example", "identity")
    assert read(f" {HERE}:443/a b/ü.json#part ", host.rules()).kind == "text/plain"


def test_redirects_are_followed(host: Files) -> None:
    """Relative ones, and those to another host, which is told no login."""
    assert read(f"{HERE}/to?/w.json", host.rules()).body
    before = len(host.asked)
    assert read("https://me:hunter2@files.example/to?https://more.example/w.json", host.rules()).body
    (_, first), (_, second) = host.asked[before:]
    assert first["Authorization"] == "Basic bWU6aHVudGVyMg==" and "Authorization" not in second
    assert (first["Host"], second["Host"]) == ("files.example", "more.example")


INSIDE = {
    "127.0.0.1": "127.0.0.1",
    "10.1.2.3": "10.1.2.3",
    "192.168.1.1": "192.168.1.1",
    "169.254.169.254": "169.254.169.254",
    "[::1]": "::1",
    "[::ffff:10.0.0.1]": "::ffff:10.0.0.1",
    "[fd00:ec2::254]": "fd00:ec2::254",
    "localhost": "localhost is (127.0.0.1|::1)",
    "2130706433": "2130706433 is 127.0.0.1",
    "0x7f.1": "0x7f.1 is 127.0.0.1",
    "0.0.0.0": "0.0.0.0",
    "inner.example": "inner.example is 10.0.0.7",
    "half.example": "half.example is 169.254.169.254",
}
NAMES = {"inner.example": ["10.0.0.7"], "half.example": [PUBLIC, "169.254.169.254"]}


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("way", ["directly", "by a redirect"])
def test_nothing_internal_is_reached(host: Files, way: str, inside: str) -> None:
    """Neither by its address in any spelling, nor by a name that leads there, among others or alone."""
    there = f"https://{inside}/w.json"
    before = len(host.places)
    with pytest.raises(
        Unread, match=f"{INSIDE[inside] if '(' in INSIDE[inside] else re.escape(INSIDE[inside])}.* not asked"
    ):
        read(there if way == "directly" else f"{HERE}/to?{there}", host.rules(NAMES))
    assert host.places[before:] == ([] if way == "directly" else [PUBLIC])


def test_a_name_is_looked_up_once(host: Files) -> None:
    """Who answers public first and internal then (DNS rebinding) is connected to as he was judged."""
    answers = [[PUBLIC], ["127.0.0.1"]]
    rules = host.rules(names := {"files.example": answers[0]})
    lookup = rules.lookup

    def once(*asked: object, **more: object) -> object:
        found = lookup(*asked, **more)
        names["files.example"] = answers[1]
        return found

    before = len(host.places)
    assert read(f"{HERE}/w.json", rules._replace(lookup=once)).body  # type: ignore[arg-type]
    assert host.places[before:] == [PUBLIC]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/to?http://files.example/w.json", "leads on to 'http://files.example/w.json', away from https"),
        ("/to?file:///etc/passwd", "'file:///etc/passwd' is no address of the web"),
        ("/to?ftp://files.example/x", "no address of the web"),
        ("/to?https://:80", "names no host"),
        ("/to?https://[::1", "is no address"),
        ("/endless", "leads on more than 5 times"),
        ("/packed", r"sent packed \(gzip\)"),
        ("/declared", "too large: at most 1 MiB"),
        ("/unending", "too large: at most 1 MiB"),
        ("/short", "ended after 2 of 50 bytes"),
        ("/missing", "answers 404 Not Found"),
        ("/nonsense", "broke off"),
    ],
)
def test_what_is_refused(host: Files, path: str, words: str) -> None:
    """What leads away, does not end, or is no answer, is said in one sentence."""
    with pytest.raises(Unread, match=words):
        read(HERE + path, host.rules())


@pytest.mark.parametrize("path", ["/silent?20", "/slow_head", "/slow_body"])
def test_it_ends_in_time(host: Files, path: str) -> None:
    """However slowly the other side drips, all of it together takes no longer than it may."""
    started = time.monotonic()
    with pytest.raises(Unread, match="took too long"):
        read(HERE + path, host.rules(seconds=0.2))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("path", ["/silent?20", "/slow_head", "/slow_body"])
def test_it_ends_when_it_is_told_to(host: Files, path: str) -> None:
    """Nobody waits for it any more: whether something comes or not, it ends."""
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    started = time.monotonic()
    with pytest.raises(Unread):
        read(HERE + path, host.rules(stop=stop))
    assert time.monotonic() - started < 10
    timer.join()


@pytest.mark.parametrize("url", ["http://files.example/w.json", "HTTP://files.example/w.json"])
def test_http_is_for_who_allows_it(host: Files, url: str) -> None:
    """It is refused, with what it means, until it is allowed."""
    with pytest.raises(Unread, match="can be read and changed on the way; expected https"):
        read(url, host.rules())
    with serving({"/w.json": ("", b"{}")}, tls=False) as plain:
        assert read(url, plain.rules(http=True)).body == b"{}"
        assert read(f"http://127.0.0.1:{plain.port}/w.json", Rules(http=True, internal=True)).body == b"{}"


@pytest.mark.parametrize(("name", "words"), [("other.example", "Hostname mismatch"), ("files.example", "not trusted")])
def test_certificates_count(host: Files, monkeypatch: pytest.MonkeyPatch, name: str, words: str) -> None:
    """One of another name, or that nobody vouches for, is refused."""
    if name == "files.example":
        monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(
        Unread, match=rf"the certificate of {name} is not trusted.*{words}" if name[0] == "o" else words
    ):
        read(f"https://{name}/w.json", host.rules({"other.example": [PUBLIC]}))


def test_who_is_not_there() -> None:
    """A name that nobody knows, and a host that does not answer, are told apart."""
    with pytest.raises(Unread, match=r"nobody knows the host 'nowhere\.invalid'"):
        read("https://nowhere.invalid/w.json", Rules())
    with pytest.raises(Unread, match="does not answer"):
        read("https://127.0.0.1:9/w.json", Rules(internal=True))


@pytest.mark.parametrize(
    "address",
    [
        *("127.9.9.9", "10.0.0.1", "172.31.0.1", "192.168.0.1", "169.254.0.1", "100.64.0.1", "0.1.2.3", "224.0.0.1"),
        *("255.255.255.255", "192.0.0.192", "198.18.0.1", "203.0.113.5", "168.63.129.16", "240.0.0.1", "::1", "::"),
        *("fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"),
        *("64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "::127.0.0.1", "5f00::1", "3fff::1", "no"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    """Those of machines and networks, in IPv4, IPv6, and one inside the other."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    """Those of the open internet, also where a network reaches them through IPv6."""
    assert is_public(address)
