"""The serving port: bytes in and out, routes, readiness, deadlines, counts, and the life of the process.

What belongs here: `server` (load, serve, drain), `watchdog`, `ports` (listen), `connection` with `incoming`, `codings`
and `shared` (HTTP itself), `asgi` and `uvicorn` (another's HTTP in its place), `app` (routes), `serving` (what is there
once a model is), `predicting` (one prediction), `streaming`, `refusals` (a Fault as a Response), `deadlines`,
`fallback` with `client` (the other slot answers instead), `shadow` with `pairs` (it gets copies) and `copies` (which it
answers), `metrics`, `prediction_log`, `tracing`, `threads`,
and `reload` with `bounded_loads`, `reload_report` and `reload_hook` (another version in the place of the one that
serves).
What does not: what a body means (`protocols`) and how a prediction is made (`prediction`). It answers `/healthz` before
MLflow is imported, so nothing here imports MLflow; the loading thread does.
"""
