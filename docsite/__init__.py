"""The documentation site, beyond its Markdown: `make docs` builds it, `python -m docsite` writes its generated pages.

    links      where a link of one page leads on the site; a link to nothing fails the build
    examples   each folder of examples/ as a page, with its YAML
    reasons    one page for each reason, from docs/reasons/reasons.yaml
    cli        docs/cli.md, from what the commands print as their help
    rooms      docs/rooms.md, the layers that import-linter holds, with the charters
    picture    docs/podium-explain.svg, drawn from what `podium explain` prints
    shown      the outputs that pages show below commands of `podium`
    hooks      what mkdocs calls while it builds

What belongs here: turning files of the repository into pages. What does not: text; that is in docs/ and examples/.
"""
