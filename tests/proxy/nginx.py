"""A real nginx in front of a server: what people put there, each way in at a path of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import urlsplit

from tests.conformance.comfyui.server import free_port

SECRET: Final = "hunter2-hunter2"
"""Lets one in everywhere, as password, token, header or cookie."""

_CONFIG: Final = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxied; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    map $http_upgrade $upgrading {{ default upgrade; '' ''; }}
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $upgrading;
    proxy_set_header Host $proxy_host;
    proxy_buffering off;
    gzip on; gzip_types application/json; gzip_min_length 1;
    client_max_body_size 200m;
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        location /deep/comfy/ {{ proxy_pass {upstream}/; }}
        location /basic/ {{ auth_basic "farm"; auth_basic_user_file {folder}/users; proxy_pass {upstream}/; }}
        location /bearer/ {{
            if ($http_authorization != "Bearer {secret}") {{ return 401 "no token"; }}
            proxy_pass {upstream}/;
        }}
        location /header/ {{ if ($http_x_farm_key != "{secret}") {{ return 403; }} proxy_pass {upstream}/; }}
        location /cookie/ {{
            if ($cookie_session != "{secret}") {{ return 302 http://127.0.0.1:{elsewhere}/login; }}
            proxy_pass {upstream}/;
        }}
        location /sticky/ {{ add_header Set-Cookie "route={secret}; Path=/sticky"; proxy_pass {upstream}/; }}
        location /sticky/ws {{ if ($cookie_route != "{secret}") {{ return 403; }} proxy_pass {upstream}/ws; }}
        location /away/ {{ return 307 http://127.0.0.1:{elsewhere}$request_uri; }}
        location /small/ {{ client_max_body_size 1k; proxy_pass {upstream}/; }}
        location /hasty/ {{ proxy_read_timeout 1s; proxy_pass {upstream}/; }}
        location / {{ return 404 "<html>nothing here</html>"; }}
    }}
}}
"""


class Nginx:
    """It runs while the block does.

    Args:
        upstream: base address of the server behind it.
        elsewhere: port of another host, to which it would send people on.
    """

    def __init__(self, upstream: str, elsewhere: int) -> None:
        self._upstream, self._elsewhere = upstream, elsewhere
        self.port, self.tls_port = free_port(), free_port()

    @property
    def ca(self) -> Path:
        """The certificate that vouches for it."""
        return self.folder / "cert.pem"

    def url(self, path: str, *, tls: bool = False) -> str:
        """Base address of the server behind it, by one of the ways in."""
        return f"https://127.0.0.1:{self.tls_port}/{path}" if tls else f"http://127.0.0.1:{self.port}/{path}"

    def __enter__(self) -> Nginx:
        self.folder = Path(tempfile.mkdtemp(prefix="nginx-"))
        self._certify()
        self.folder.chmod(0o755)  # its workers are another user's
        hashed = self._openssl("passwd", "-apr1", SECRET).strip()
        (self.folder / "users").write_text(f"me:{hashed}\n")
        config = self.folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                folder=self.folder,
                port=self.port,
                tls_port=self.tls_port,
                upstream=self._upstream,
                secret=SECRET,
                elsewhere=self._elsewhere,
            )
        )
        command = ["nginx", "-p", str(self.folder), "-c", str(config), "-g", "daemon off;"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _certify(self) -> None:
        out = ("-keyout", str(self.folder / "key.pem"), "-out", str(self.folder / "cert.pem"))
        about = ("-subj", "/CN=farm", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", *out, *about)

    def _openssl(self, *words: str) -> str:
        done = subprocess.run(["openssl", *words], check=True, capture_output=True, text=True)
        return done.stdout

    def _wait(self) -> None:
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url(""), timeout=5)
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nginx does not answer: {(self.folder / 'error.log').read_text()}")


def port_of(url: str) -> int:
    """The port of an address."""
    return urlsplit(url).port or 0
