"""What the API server tells of all ModelDeployments and of what they own, kept small: lists once, and then watches.

`kinds` says what is listed and watched, and `projections` what of it is kept; `store` keeps it, and `stored_api` lets
`cluster` and the routers read it by the paths that they ask the API server for. `informer` feeds the store with one
kind, `informers` with all of them.

What is kept here can be old, and is a hint: that nothing has to be done is decided on it, and nothing that is written.
"""
