"""What checks read of a container: origin, added files, contents, output."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import pytest
from docker.errors import ImageNotFound, NotFound

from dockyard.lab.inside import (
    added,
    content,
    hand_made,
    joined,
    made_from,
    main_processes,
    mode,
    moment,
    of_this_build,
    one_line,
    origin,
    parent,
    printed,
    read_file,
    runs,
    says,
    standing,
    words,
)


class FakeContainer:
    """As much of a container as is asked for; `files` maps paths to contents, None being a symbolic link."""

    name = "lab-x"

    def __init__(self, files: dict[str, bytes | None] | None = None, **attrs: Any) -> None:
        self.files, self.attrs = files or {}, {"Mounts": [], **attrs}
        self.changes: list[dict[str, Any]] | None = None

    def diff(self) -> list[dict[str, Any]] | None:
        return self.changes

    def logs(self) -> bytes:
        return b"two\r\nlines\r\n"

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        if path not in self.files:
            raise NotFound("no such file")
        buffer, text = io.BytesIO(), self.files[path]
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            entry = tarfile.TarInfo(path.rpartition("/")[2])
            entry.size, entry.type = len(text or b""), tarfile.REGTYPE if text is not None else tarfile.SYMTYPE
            archive.addfile(entry, io.BytesIO(text or b""))
        return [buffer.getvalue()], {}


class FakeImage:
    id = "sha256:abc"
    tags = ("dockyard/busybox:latest",)


def container(*args: Any, **attrs: Any) -> Any:
    return FakeContainer(*args, **attrs)


def image() -> Any:
    return FakeImage()


@pytest.mark.parametrize(
    ("named", "identity", "same"),
    [
        ("dockyard/busybox", "sha256:older build", True),
        ("dockyard/busybox:latest", "sha256:abc", True),
        ("docker.io/dockyard/busybox", "sha256:older build", True),
        (f"dockyard/busybox@sha256:{'ab' * 32}", "sha256:older build", True),
        ("dockyard/busybox:mine", "sha256:abc", True),
        ("sha256:abc", "sha256:abc", True),
        ("mine", "sha256:abc", True),
        ("dockyard/busybox:mine", "sha256:other", False),
        ("dockyard/busybox-extra", "sha256:other", False),
        ("localhost:5000/busybox", "sha256:other", False),
    ],
)
def test_origin_is_known_by_id_and_by_name(named: str, identity: str, same: bool) -> None:
    assert made_from(container(Config={"Image": named}, Image=identity), image()) is same


def test_added_leaves_out_changes_deletions_and_mounts() -> None:
    found = container(Mounts=[{"Destination": "/mounted"}])
    assert added(found) == set()
    found.changes = [
        {"Path": path, "Kind": kind} for path, kind in (("/new", 1), ("/etc", 0), ("/gone", 2), ("/mounted", 1))
    ]
    assert added(found) == {"/new"}


def test_content_is_a_plain_file_s() -> None:
    found = container({"/note": b" hello\n", "/link": None})
    assert content(found, "/note") == b"hello"
    with pytest.raises(AssertionError, match="/link in lab-x is not a plain file"):
        content(found, "/link")
    with pytest.raises(AssertionError, match="There is no file /other in lab-x"):
        content(found, "/other")


def test_content_has_plain_line_ends() -> None:
    assert content(container({"/note": b"two\r\nlines\r\n"}), "/note") == b"two\nlines"


def test_times_compare_whatever_their_fraction() -> None:
    times = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:06Z"]
    assert sorted(reversed(times), key=moment) == times


@pytest.mark.parametrize(
    ("identity", "used", "created", "same"),
    [
        ("sha256:abc", None, "2026-01-02T03:04:06Z", True),
        ("sha256:older", ("a", "b"), "2026-01-02T03:04:06Z", True),
        ("sha256:older", ("a", "c"), "2026-01-02T03:04:04Z", False),
        ("sha256:older", None, "2026-01-02T03:04:04Z", True),
        ("sha256:older", None, "2026-01-02T03:04:06Z", False),
    ],
)
def test_an_earlier_build_counts_if_it_is_the_same(
    identity: str, used: tuple[str, str] | None, created: str, same: bool
) -> None:
    class Made(FakeContainer):
        @property
        def image(self) -> Any:
            if used is None:
                raise ImageNotFound("no such image")
            return FakeContainer(RootFS={"Layers": [*used]}, Config={})

    made: Any = Made(Config={"Image": "dockyard/busybox"}, Image=identity, Created="2026-01-02T03:04:05.5Z")
    present = image()
    present.attrs = {"RootFS": {"Layers": ["a", "b"]}, "Config": {}, "Created": created}
    assert of_this_build(made, present) is same


def test_layers_by_commit_are_told_from_lines_of_a_dockerfile() -> None:
    class Stepped:
        def __init__(self, *steps: tuple[str, int]) -> None:
            self.steps = steps

        def history(self) -> list[dict[str, Any]]:
            return [{"CreatedBy": made_by, "Size": size} for made_by, size in self.steps]

    base: Any = Stepped(('CMD ["sh"]', 0), ("", 9))
    built: Any = Stepped(
        ('CMD ["a"]', 0), ("RUN /bin/sh -c a", 1), ("/bin/sh -c b", 1), ("COPY c / # buildkit", 1), *base.steps
    )
    committed: Any = Stepped(("sh -c 'echo > /a'", 1), *base.steps)
    assert hand_made(built, base) == []
    assert hand_made(committed, base) == ["sh -c 'echo > /a'"]


def test_a_mode_names_a_container_by_a_short_id() -> None:
    used = container(HostConfig={"PidMode": f"container:{'0123456789ab' + 'f' * 52}", "IpcMode": ""})
    assert (mode(used, "PidMode"), mode(used, "IpcMode")) == ("container:0123456789ab", "the default")


def test_output_of_a_terminal_has_plain_line_ends() -> None:
    assert printed(container()) == b"two\nlines\n"


@pytest.mark.parametrize(
    ("entrypoint", "command", "program"),
    [
        (None, ["sleep", "600"], ["sleep", "600"]),
        (["/bin/sleep"], ["600"], ["sleep", "600"]),
        (None, ["sh", "-c", "sleep 600;"], ["sleep", "600"]),
        (["/bin/ash", "-c"], ["exec sleep 600"], ["sleep", "600"]),
        (None, ["/bin/busybox", "sleep", "600"], ["sleep", "600"]),
        (None, ["busybox", "sh", "-c", "/bin/sleep 600"], ["/bin/sleep", "600"]),
        (None, ["sleep 600"], ["sleep 600"]),
        (None, ["sh", "-c", "sleep", "600"], ["sh", "-c", "sleep", "600"]),
        (None, ["busybox"], ["busybox"]),
        (None, None, []),
    ],
)
def test_the_program_is_found_behind_folder_shell_and_busybox(
    entrypoint: list[str] | None, command: list[str] | None, program: list[str]
) -> None:
    made = container(Config={"Entrypoint": entrypoint, "Cmd": command})
    assert runs(made) == [program[0].removeprefix("/bin/"), *program[1:]] if program else runs(made) == []
    assert words(made) == [*(entrypoint or []), *(command or [])]


def test_an_origin_without_a_name_is_told_by_a_tag() -> None:
    made = container(Config={"Image": "sha256:abc"})
    made.image = image()
    assert origin(made) == "dockyard/busybox:latest"
    made.image.tags = ()
    assert origin(made) == "sha256:abc"
    assert origin(container(Config={"Image": "dockyard/debian"})) == "dockyard/debian"


@pytest.mark.parametrize(
    ("titles", "told"), [(["UID", "PID", "PPID"], "40"), (["PPID", "PID", "CMD"], "root"), (["PID", "CMD"], "")]
)
def test_the_parent_is_read_from_the_columns_with_these_titles(titles: list[str], told: str) -> None:
    seen = container(State={"Pid": 41})
    seen.top = lambda: {"Titles": titles, "Processes": [["root", "7", "1"], ["root", "41", "40"]]}
    assert parent(seen) == told
    seen.attrs["State"]["Pid"] = 5
    assert parent(seen) == ""


class FakeProcesses:
    """A container's state and what `top` says of it."""

    name = "lab-x"

    def __init__(self, *rows: tuple[str, str, str], titles: tuple[str, ...] = ("PID", "PPID", "CMD"), **state: Any):
        self.attrs = {"State": {"Status": "running", "Pid": 10, **state}}
        self.rows, self.titles = rows, titles

    def top(self, ps_args: str = "") -> dict[str, list[Any]]:
        return {"Titles": [*self.titles], "Processes": [[*row] for row in self.rows]}


def processes(*args: Any, **kwargs: Any) -> Any:
    return FakeProcesses(*args, **kwargs)


def test_main_processes_are_the_first_and_those_below_it() -> None:
    shell, sleep, other = ("10", "9", "sh"), ("11", "10", "sleep 5"), ("12", "9", "sleep beside")
    assert main_processes(processes(shell, sleep, other)) == ["sh", "sleep 5"]
    below = ("13", "11", "sleep below")
    assert main_processes(processes(shell, sleep, other, below)) == ["sh", "sleep 5", "sleep below"]


def test_main_process_is_number_one_where_numbers_are_the_container_s() -> None:
    assert main_processes(processes(("1", "0", "sleep 5"), ("7", "0", "sleep beside"))) == ["sleep 5"]


def test_what_came_in_through_exec_has_a_session_of_its_own() -> None:
    columns = ("PID", "PPID", "SID", "COMMAND")
    main, child = ("10", "9", "10", "sh"), ("11", "10", "10", "sleep 5")
    adopted, beside = ("13", "10", "12", "sleep adopted"), ("14", "9", "14", "sleep beside")
    assert joined(processes(main, child, titles=columns)) == []
    assert joined(processes(main, child, adopted, beside, titles=columns)) == ["sleep adopted", "sleep beside"]


def test_without_sessions_a_parent_outside_tells_an_exec() -> None:
    main, child, beside = ("10", "9", "sh"), ("11", "10", "sleep 5"), ("14", "9", "sleep beside")
    assert joined(processes(main, child, beside)) == ["sleep beside"]


def test_all_processes_count_where_no_parents_are_told() -> None:
    assert main_processes(processes(("1", "root", "a"), titles=("PID", "USER", "CMD"))) == ["a"]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"Status": "running"}, "running"),
        ({"Status": "created"}, "created, and was never started"),
        (
            {"Status": "created", "Error": 'runc: unable to start container process: exec: "x": not found'},
            'created, and its start failed: exec: "x": not found',
        ),
        ({"Status": "exited", "ExitCode": 3}, "exited: its process ended with code 3"),
    ],
)
def test_standing_says_why_a_container_does_not_run(state: dict[str, Any], said: str) -> None:
    assert standing(processes(**state)) == said


class Linked(FakeContainer):
    """Its links lead where `links` says."""

    def __init__(self, links: dict[str, str], files: dict[str, bytes | None]) -> None:
        super().__init__(files | dict.fromkeys(links))
        self.links = links

    def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
        stream, _ = super().get_archive(path)
        return stream, {"linkTarget": self.links.get(path, "")}


def linked(links: dict[str, str], **files: bytes) -> Any:
    return Linked(links, {f"/{name}": text for name, text in files.items()})


def test_read_file_follows_links() -> None:
    assert read_file(linked({}, a=b" text\n"), "/a") == b" text\n"
    assert read_file(linked({"/etc/one": "two", "/etc/two": "../a"}, a=b"text"), "/etc/one") == b"text"


def test_read_file_says_what_is_there_instead() -> None:
    with pytest.raises(AssertionError, match="lab-x has no file /a"):
        read_file(linked({}), "/a")
    with pytest.raises(AssertionError, match="a link to /gone, which is not there"):
        read_file(linked({"/a": "/gone"}), "/a")
    with pytest.raises(AssertionError, match="leads to no file"):
        read_file(linked({"/a": "/a"}), "/a")


def test_read_file_does_not_unpack_what_is_compressed() -> None:
    class Packed(FakeContainer):
        def get_archive(self, path: str) -> tuple[list[bytes], dict[str, Any]]:
            return [gzip.compress(super().get_archive(path)[0][0])], {}

    packed: Any = Packed({"/a": b"text"})
    with pytest.raises(tarfile.ReadError):
        read_file(packed, "/a")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("6.1.0-37", True),
        ("kernel=6.1.0-37\r\n", True),
        ("It is 6.1.0-37.", True),
        ("Linux host 6.1.0-37 #1 SMP", True),
        ("6.1.0-37-amd64", False),
        ("16.1.0-37", False),
        ("6.1.0-37.2", False),
        ("6x1x0-37", False),
    ],
)
def test_a_word_is_no_part_of_another(text: str, there: bool) -> None:
    assert says(text, "6.1.0-37") is there


@pytest.mark.parametrize(
    ("answer", "line"),
    [("6.1\n", "6.1"), (["6.1"], "6.1"), (["kernel=6.1"], "6.1"), (["a", "b"], "a b"), (None, "None")],
)
def test_an_answer_is_one_line(answer: object, line: str) -> None:
    assert one_line(answer) == line
