"""Serve JupyterLab on loopback: for a learner (the workspace) or for the instructor (the whole course).

Jupyter's settings are written to `.dockyard/jupyter/<mode>/`, which is put first on Jupyter's configuration path: they
win over the user's own, hold for this server alone, and change nothing outside the checkout. Jupyter imports this
module too, as a server extension: it prints the one address once the server answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn
from urllib.parse import urlencode

from dockyard.engine import find
from dockyard.errors import DockyardError, EngineError

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from dockyard.course import Course

Mode = Literal["lab", "teach"]

PORT = 8888
WARNING = 30

# What a learner has no use for: the instructor's panels, and the extensions of the server behind them.
INSTRUCTOR_PLUGINS = ("formgrader", "create-assignment", "course-list")
LEARNER_HAS_NO = {
    "nbgrader.server_extensions.formgrader": False,
    "nbgrader.server_extensions.course_list": False,
    "jupyterlab_jupytext": False,
}
NOBODY_HAS = {"notebook": False}

# A terminal starts with .venv first, whatever the user's own start-up files do to PATH.
BASHRC = """[ -r ~/.bashrc ] && . ~/.bashrc
PATH={bin}:$PATH
"""


def settings(course: Course, mode: Mode, token: str) -> dict[str, dict[str, Any]]:
    """Return Jupyter's configuration files: name → content.

    Sources: `jupyter lab --help-all`; JupyterLab's documentation on locked and disabled extensions (page_config.json).
    """
    own = folder(course, mode)
    server: dict[str, Any] = {
        "Application": {"log_level": WARNING},
        "ServerApp": {
            "ip": "127.0.0.1",
            "allow_root": True,  # bare machines and containers have no other user; loopback and the token protect it
            "allow_remote_access": False,
            # Jupyter's own default is longer than the interval between two pings, and warned of at each kernel's start.
            "tornado_settings": {"ws_ping_timeout": 30_000},
            "root_dir": str(course.workspace if mode == "lab" else course.root),
            "jpserver_extensions": {
                **NOBODY_HAS,
                **(LEARNER_HAS_NO if mode == "lab" else {"dockyard.guard": True}),
                "dockyard.serve": True,
            },
        },
        "IdentityProvider": {"token": token},
        "KernelManager": {"transport": "ipc"},
    }
    if os.path.basename(os.environ.get("SHELL", "bash")) == "bash":
        server["ServerApp"]["terminado_settings"] = {"shell_command": ["bash", "--rcfile", str(own / "bashrc"), "-i"]}
    lab = {
        "LabApp": {
            "log_level": WARNING,
            "news_url": None,
            "check_for_updates_class": "jupyterlab.handlers.announcements.NeverCheckForUpdate",
            "extension_manager": "readonly",
            "workspaces_dir": str(own / "workspaces"),  # open tabs belong to the checkout, not to the user
        }
    }
    disabled = [
        "@jupyter-notebook/lab-extension",
        "@jupyterlab/apputils-extension:announcements",
        "@jupyterlab/extensionmanager-extension",
    ]
    if mode == "lab":
        disabled += [f"@jupyter/nbgrader:{plugin}" for plugin in INSTRUCTOR_PLUGINS] + ["jupyterlab-jupytext"]
    page = {"disabledExtensions": dict.fromkeys(disabled, True)}
    return {
        "jupyter_server_config.json": server,
        "jupyter_lab_config.json": lab,
        "labconfig/page_config.json": page,
    }


def folder(course: Course, mode: Mode) -> Path:
    """Return where the configuration of this mode is written."""
    return course.state / "jupyter" / mode


def configure(course: Course, mode: Mode, token: str) -> None:
    """Write the configuration, readable by its owner alone because it holds the token."""
    own = folder(course, mode)
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o700)
    for name, content in settings(course, mode, token).items():
        path = own / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=1) + "\n")
    (own / "bashrc").write_text(BASHRC.format(bin=_quote(str(_bin()))))


def environment(course: Course, mode: Mode, student: str | None = None) -> dict[str, str]:
    """Return the server's environment, which its kernels and terminals inherit.

    Args:
        student: the name under which the learner hands in; the instructor has none.
    """
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(_bin()), env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = sys.prefix
    paths = [str(folder(course, mode)), str(course.root), env.get("JUPYTER_CONFIG_PATH", "")]
    env["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    with contextlib.suppress(EngineError):  # a context that does not exist, say: the checks say so, in words
        env.update(find(env).environment())  # a `docker` typed in a cell reaches the engine that the checks ask
    env.pop("DOCKYARD_STUDENT", None)
    if student:
        env["DOCKYARD_STUDENT"] = student
    return env


def command(browser: bool = True, port: int | None = None) -> list[str]:
    """Return the words that start JupyterLab.

    Args:
        browser: open one.
        port: this port and no other; without it, the first free one from 8888 on.
    """
    # -P: a learner's file named like a module of Python must not stop the server
    words = [sys.executable, "-P", "-m", "jupyterlab", f"--port={port or PORT}"]
    if port:
        words.append("--ServerApp.port_retries=0")
    if not browser:
        words.append("--no-browser")
    return words


def serve(
    course: Course, mode: Mode, *, browser: bool = True, port: int | None = None, student: str | None = None
) -> NoReturn:
    """Become JupyterLab: this process is replaced."""
    if port and _listens(port):
        raise DockyardError(
            f"Port {port} is taken: a program answers there, perhaps the same command in another terminal.",
            "Expected a free one.",
            f"Type: ./dockyard {mode} --port {port + 1} (or leave --port out: the first free one is taken)",
        )
    configure(course, mode, secrets.token_hex(24))
    # nbgrader's panels look for lessons in the current folder
    os.chdir(course.workspace if mode == "lab" else course.root)
    sys.stdout.flush()
    words = command(browser, port)
    os.execve(words[0], words, environment(course, mode, student))


def _bin() -> Path:
    return Path(sys.executable).parent


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def address(server: ServerApp) -> str:
    """Return the one address to open: loopback, with the token."""
    query = urlencode({"token": server.identity_provider.token})
    scheme = "https" if server.certfile else "http"
    return f"{scheme}://127.0.0.1:{server.port}{server.base_url}lab?{query}"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "dockyard.serve"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    def announce() -> None:
        # The loop may run for a moment, for something else, before the server listens.
        if not hasattr(server, "http_server") or not _listens(server.port):
            server.io_loop.call_later(0.05, announce)
            return
        print(f"\n  JupyterLab: {address(server)}\n\n  Ctrl-C, twice, ends it.\n", flush=True)

    server.io_loop.add_callback(announce)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
