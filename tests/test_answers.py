"""Closed questions: the verdict at once, the answer nowhere in clear."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from dockyard.answers import digest, is_answer, normalise
from dockyard.cli.digest import digest as digest_command

# Digests stand in notebooks for years: these must never change.
KNOWN = [
    ("hosted", "kvm", "kvm:85b462ce1884e25eb3f3ec66"),
    (["a", "b"], "q", "q:26cb61b0262614c48965edb3"),
    (7, "q", "q:c37595d69af36449c328d34f"),
    ({"a": True}, "q", "q:03f4bec6e52d0db4a540cccb"),
]


@pytest.mark.parametrize(("answer", "salt", "known"), KNOWN)
def test_an_answer_is_known_by_its_digest(answer: object, salt: str, known: str) -> None:
    assert digest(answer, salt) == known
    assert is_answer(answer, known) and not is_answer("something else", known)
    assert digest(answer, "other").partition(":")[2] != known.partition(":")[2]


SAME = [
    ("KVM", "kvm"),
    ("  docker   ps \n", "docker ps"),
    ("$ docker ps", "docker ps"),
    ("docker\u00a0ps", "docker ps"),
    ("STRASSE", "straße"),
    (("a", "B"), ["A", "b"]),
    ({"a": "X", "b": 1}, {"b": 1, "a": "x"}),
    (True, True),
    (["1", "2"], ["1 ", " 2"]),
]
DIFFERENT = [
    ("kvm", "xen"),
    ("docker ps", "dockerps"),
    (["a", "b"], ["b", "a"]),
    (["a b"], ["a", "b"]),
    ({"a": "1"}, {"a": "2"}),
    ({"A": "1"}, {"a": "1"}),
    (True, False),
    (1, 2),
    ("", None),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_answer_may_be_written_in_ways(one: object, other: object) -> None:
    assert normalise(one) == normalise(other) and is_answer(one, digest(other, "q"))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_answers_differ(one: object, other: object) -> None:
    assert not is_answer(one, digest(other, "q"))


def test_one_of_several() -> None:
    known = [digest("stop", "q"), digest("kill", "q2")]
    assert is_answer("KILL", *known) and not is_answer("rm", *known) and not is_answer("rm")


def test_a_salt_may_be_written_in_any_letters_but_a_colon() -> None:
    assert is_answer("ja", digest("ja", "größe"))
    with pytest.raises(ValueError, match="colon"):
        digest("ja", "a:b")


@settings(deadline=None, max_examples=30)
@given(st.text())
def test_any_text_can_be_an_answer(text: str) -> None:
    assert is_answer(text, digest(text, "q"))
    assert normalise(normalise(text)) == normalise(text) or text.strip().startswith("$")


def test_the_command_prints_a_digest() -> None:
    done = CliRunner().invoke(digest_command, ["Docker  PS", "--salt", "q"])
    assert done.exit_code == 0 and done.output.strip() == digest("docker ps", "q")
    done = CliRunner().invoke(digest_command, ['["a", 1]', "--json", "--salt", "q"])
    assert done.output.strip() == digest(["a", 1], "q")
    assert CliRunner().invoke(digest_command, ["x"]).exit_code == 2
    assert CliRunner().invoke(digest_command, ["x", "--salt", "a:b"]).exit_code == 2
    assert CliRunner().invoke(digest_command, ["{", "--json", "--salt", "q"]).exit_code == 2
