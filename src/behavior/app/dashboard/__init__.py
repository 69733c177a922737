"""The lab's screens: one small web application on this computer, with no build step, no network and no telemetry.

Rules.

1.  **Screens only look.** They read journals, footers, tables, sound and `engine.json`; what they ask of an engine is
    a file in the session's `requests/`, which the engine journals itself. A screen that dies is noticed by nobody.
2.  **Nothing outside the data folder is served** (`Site.inside`), and nobody else's page may ask (`access`): Host,
    Origin and token are checked before any route sees a request; what changes something is POST, and refused where the
    site is read-only.
3.  **Pages stay blind**: `treatment_shown` (module `blind`) is the only place that turns a treatment into text.
4.  **Everything a page needs is in the package**: `static/` (one style sheet, ES modules) and `templates/` (jinja2,
    escaped). The Content-Security-Policy allows nothing else, inline scripts and styles included.

To add a page: a template that extends `base.html`, a module in `static/`, handlers `async def page(request) ->
Response` that take their `Site` from `site_of(request)`, and a list of starlette routes given to `application`.
Handlers raise `BadInput` or `Failure`; the person sees the sentence, as a page or as JSON. Streams are
`stream.events`. `serve` finds a free port and says the address. See `docs/decisions/screens-only-look.md`.
"""
