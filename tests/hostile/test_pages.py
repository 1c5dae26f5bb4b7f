"""The walls behind the first: what text becomes in nbgrader's pages. That browsers agree is seen in tests/browser."""

from __future__ import annotations

import re

import pytest
from nbconvert.filters import markdown2html

from dockyard.grading.inert import inert
from dockyard.grading.pages import TAGS, harmless, script_hashes, text
from tests.browser.tricks import CELLS

TRICKS = {name: trick for tricks in CELLS.values() for name, trick in tricks.items()}
ADDRESS = re.compile(r"<[a-z][^>]*\s(?:href|src|action)\s*=\s*\"([^\"]*)\"", re.IGNORECASE)


def shown(source: str) -> str:
    return text({}, source)


@pytest.mark.parametrize("name", TRICKS)
def test_no_link_of_a_learner_leads_to_the_server_or_to_a_program(name: str) -> None:
    for html in (markdown2html(inert(TRICKS[name])), shown(TRICKS[name])):
        for address in ADDRESS.findall(html):
            assert re.match(r"https?://|mailto:|#|data:image/png|(?![a-z][a-z0-9+.-]*:)[^/\\\s]", address, re.I), html
    assert not {tag.lower() for tag in re.findall(r"</?([a-z][a-z0-9-]*)", html, re.I)} - TAGS, html


def test_what_lessons_use_stays() -> None:
    html = shown("# One\n\n<details><summary>Hint</summary>\n\n`a <b>`\n\n</details>\n\n|a|b|\n|:-|-:|\n|1|2|\n")
    assert "<h1>One</h1>" in html and "<details><summary>Hint</summary>" in html and "<code>a &lt;b&gt;</code>" in html
    assert html.index("<code>") < html.index("</details>"), "a hint stays folded"
    assert '<td style="text-align:right;">2</td>' in html
    assert '<span class="k">' in shown("```python\nif x: pass\n```")
    picture = "![it](data:image/png;base64,iVBORw0KGgo=)"
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="it">' in shown(picture)
    assert shown("![it](attachment:gone.png)") == "<pre>![it](attachment:gone.png)</pre>"


HOSTS = ("localhost:8888", "127.0.0.1", "127.0.0.1.", "127.1", "0x7f.1", "2130706433", "[::1]", "lab", "x.localhost")


@pytest.mark.parametrize("address", ["/logout", "x.html", "//host.org/", "https:/x", *(f"http://{x}/" for x in HOSTS)])
def test_no_link_leads_to_this_machine(address: str) -> None:
    assert "href" not in shown(f"[x](<{address}>)")
    assert 'href="https://docs.docker.com/x?y=1#z"' in shown("[x](https://docs.docker.com/x?y=1#z)")


def test_only_the_looks_of_cards_stay() -> None:
    style = "border-left:5px solid red;background:url(http://x.invalid);position:fixed;color:red"
    assert harmless(f'<div style="{style}" id="x" data-link="y">z</div>') == (
        '<div style="border-left:5px solid red;color:red;">z</div>'
    )


def test_hashes_are_those_of_scripts_and_handlers() -> None:
    # `printf 'alert(1)' | openssl sha256 -binary | base64`
    one = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    assert script_hashes("<script>alert(1)</script>") == script_hashes('<b onclick="alert(1)">') == one
