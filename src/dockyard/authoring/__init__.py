"""From a lesson's text to the notebooks that nbgrader hands out, and the proof that its exercises hold.

`lessons` knows where a lesson's files lie, `text` turns MyST text into a notebook, `build` makes source/ and release/,
`rules` says what every lesson keeps, `cases` and `prove` run each exercise's solution and near-misses on an engine.
"""
