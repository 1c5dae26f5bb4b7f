"""HTTP to ports that containers publish on this machine, and to no other machine."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from dockyard.errors import CheckError

HERE = ("127.0.0.1", "localhost", "::1", "host.docker.internal")
PATIENCE = 5.0  # seconds


class LoopbackAdapter(HTTPAdapter):
    """Sends requests to this machine only, and gives up after `PATIENCE` seconds."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        host = urlsplit(request.url or "").hostname
        if host not in HERE:
            raise CheckError(f"The check asks {host} over HTTP.", f"A check asks this machine only: {', '.join(HERE)}.")
        kwargs["timeout"] = kwargs.get("timeout") or PATIENCE
        return super().send(request, *args, **kwargs)
