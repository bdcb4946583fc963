"""The page: a fleet and each of its rollouts in a browser, for the person who began it, or in a cluster for many.

    kept            the objects as the API server sent them, and which of them changed; nothing of it decides
    source          lists them once and watches them from there
    selection       which rows of the fleet a viewer asked for
    look            values and templates become HTML, all of it escaped
    fragments       a page in parts, so that only what changed is sent
    drawing         how values become the lines of a drawing
    charts          a trial over time as drawings
    distributions   both versions' predictions over each other, and their slow answers
    fleet_page, deployment_page     the two pages
    buttons, steering, pressed      the verbs as buttons: which there are, what viewers may, and what came of one
    sliders, what_if        what a viewer may assume, and what would come of the rollout then
    trying, tried   asks another process for it; and that process
    pods            the pods, read with the viewer's rights when a ModelDeployment is looked at
    stream          server-sent events: the parts that changed
    shield          who may ask: loopback, a known Host, the key and the token; and the headers of every answer
    app, server, connections     the routes, the socket on loopback, and who may hold a connection

In a cluster, where each visitor has their own rights:

    front           who may ask, before the pages of each visitor
    logins, visitors    who they are: a token that the API server knows, or a trusted proxy's headers
    seats           what each of them may read, by impersonation, and the page over it
    page_settings

What belongs here: HTML of `core.status.explanation` and `core.status.summary`. What does not: any judgement of a
rollout, and any figure that those two do not have.
"""
