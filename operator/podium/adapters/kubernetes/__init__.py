"""The API server: ModelDeployments, the objects that Podium owns, pods, Events and the Lease.

`api` speaks HTTP and translates errors; `render` makes objects (pure); `read` understands what comes back (pure);
`cluster` and `lease` implement the ports. Reads are fresh, writes are server-side apply with our field manager.
"""
