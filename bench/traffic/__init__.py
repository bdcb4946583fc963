"""What clients behind a gateway feel of rollouts, forward and back, on the real cluster.

Clients ask at a steady rate through Envoy, from a process of their own, however long the answers take; latency counts
from when a request was due. Beside them a ModelDeployment with two pods goes through

    promotions   of good versions, by 5, 25, 50 and 100 %: no request may fail; p99 beside that of quiet traffic
    rollbacks    of a version that turns bad on order at 50 %: no other answer may fail, and its last answer comes
                 soon after the look that broke the guard, which the operator wrote down in `status.history`
    shares       of 1, 5, 25 and 50 %: what was answered beside what was asked, by the exact binomial interval of 99 %
    chaos        rollouts forward and back while operators are killed at random; then the end state is compared

Each part is a module and ends with a line of JSON; the last line has the figures of all, and null for a part that was
left out. `scene` is what the parts have at hand, `crowd` the clients, `killer` kills; `figures` is pure. Run it with
`make bench-traffic`, or `python -m bench.traffic --only shares`.
"""
