"""Tricks in what is shown beside text cells: outputs of programs, evidence, fields of a notebook. See `tricks`."""

from __future__ import annotations

# Data of outputs, by MIME type.
OUTPUTS: dict[str, tuple[str, object]] = {
    "output-html": ("text/html", "<script>RUN</script><img src=AWAY/html onerror=RUN>"),
    "output-html-list": ("text/html", ["<scr", "ipt>RUN</script>"]),
    "output-html-upper": ("TEXT/HTML", "<script>RUN</script>"),
    "output-html-charset": ("text/html; charset=utf-8", "<script>RUN</script>"),
    "output-javascript": ("application/javascript", "RUN"),
    "output-javascript-text": ("text/javascript", "RUN"),
    "output-svg": ("image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg' onload='RUN'><script>RUN</script></svg>"),
    "output-markdown": ("text/markdown", "<script>RUN</script> ![x](AWAY/markdown) [click](javascript:RUN)"),
    "output-latex": ("text/latex", r"$\href{javascript:RUN}{click}$<script>RUN</script>"),
    "output-pdf": ("application/pdf", "JVBERi0="),
    "output-widget": ("application/vnd.jupyter.widget-view+json", {"model_id": "</script><script>RUN</script>"}),
    "output-widget-state": ("application/vnd.jupyter.widget-state+json", {"state": {}}),
    "output-vega": ("application/vnd.vegalite.v5+json", {"data": {"url": "AWAY/vega"}, "mark": "point"}),
    "output-vega-5": ("application/vnd.vega.v5+json", {"data": [{"name": "x", "url": "AWAY/vega"}]}),
    "output-plotly": ("application/vnd.plotly.v1+json", {"data": [], "layout": {"images": [{"source": "AWAY/p"}]}}),
    "output-geojson": ("application/geo+json", {"type": "Point", "coordinates": [0, 0]}),
    "output-bokeh": ("application/vnd.bokehjs_exec.v0+json", ""),
    "output-holoviews": ("application/vnd.holoviews_exec.v0+json", "<script>RUN</script>"),
    "output-debug": ("application/vnd.jupyter.stderr", "<script>RUN</script>"),
    "output-mermaid": ("text/vnd.mermaid", 'graph TD\nA["<img src=x onerror=RUN>"]\nclick A href "javascript:RUN"'),
    "output-json": ("application/json", {"<img src=x onerror=RUN>": "<script>RUN</script>"}),
    "output-jpeg": ("image/jpeg", '"><script>RUN</script>'),
    "output-png": ("image/png", '"><script>RUN</script>'),
    "output-png-tail": ("image/png", 'iVBORw0KGgo="><script>RUN</script>'),
    "output-png-svg": ("image/png", "PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+"),
    "output-gif": ("image/gif", '"><script>RUN</script>'),
    "output-text": ("text/plain", "<script>RUN</script><img src=x onerror=RUN> javascript:RUN"),
    "output-pandoc": ("text/restructuredtext", ".. raw:: html\n\n   <script>RUN</script>"),
    "output-xhtml": ("application/xhtml+xml", "<html xmlns='http://www.w3.org/1999/xhtml'><script>RUN</script></html>"),
    "output-iframe": ("text/html", "<iframe srcdoc='<script>parent.RUN</script>'></iframe>"),
    "output-style": ("text/html", "<style>@import 'AWAY/css';body{background:url(AWAY/bg)}</style>"),
}

# What programs print, and tracebacks.
STREAMS = {
    "stream-html": "<script>RUN</script><img src=AWAY/x onerror=RUN>",
    "stream-link": "\x1b]8;;javascript:RUN\x07click\x1b]8;;\x07",
    "stream-link-st": "\x1b]8;;javascript:RUN\x1b\\click\x1b]8;;\x1b\\",
    "stream-link-html": '\x1b]8;;"><img src=x onerror=RUN>\x07click\x1b]8;;\x07',
    "stream-colour-html": "\x1b[31m<img src=x onerror=RUN>\x1b[0m",
    "stream-colour-break": '\x1b[38;2;1;1;"><img src=x onerror=RUN>m x',
    "stream-colour-split": "<\x1b[31mimg src=x onerror=RUN\x1b[0m>",
    "stream-split": "<scr\x1b[0mipt>RUN</scr\x1b[0mipt>",
    "stream-return": "<img src=x onerror=RUN>\r\b\b<",
    "stream-auto-link": "javascript:RUN data:text/html,<script>RUN</script>",
    "stream-web-link": 'https://example.org/"onmouseover=RUN',
    "stream-path": '/etc/passwd:1 file:///etc/passwd ./x"><img src=x onerror=RUN>:3',
    "stream-null": "<scr\x00ipt>RUN</scr\x00ipt>",
    "stream-c1": "\x9b31m<img src=x onerror=RUN>\x9d8;;javascript:RUN\x9cclick",
}

# Texts of evidence and of the notebook's own fields; each is put wherever a text may stand.
TEXTS = {
    "text-script": "<script>RUN</script>",
    "text-image": "<img src=x onerror=RUN>",
    "text-attribute": "\"'><img src=x onerror=RUN>",
    "text-title": "</title><script>RUN</script>",
    "text-string": "\";RUN;\"';RUN;'",
    "text-template": "{{RUN}}${RUN}<%=RUN%>",
    "text-markdown": "[click](javascript:RUN) ![x](AWAY/x)",
    "text-line": "x\n\n<img src=x onerror=RUN>\u2028<img src=x onerror=RUN>",
}
