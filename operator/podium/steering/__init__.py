"""What steers a rollout: changes of a spec as values, and how they are written. The verbs and the page share it.

    change                what a change is, and whether the API server would take its result; pure
    plans, model_versions     the changes themselves: pause, resume, retry, undo, approve, another version; pure
    verdicts              those that a person gives a version on trial: abort, promote, rollback; pure
    subjects              which version a verdict is about, by spec and status together; pure
    git_owner             whether Git owns an object; pure
    caller                who steers, as the API server takes them
    writing               a change written to the cluster, or refused where Git owns the object

What belongs here: changes of `spec`, which Git can say as well. What does not: any write of the status, and arguments,
buttons and texts around a change, which are the verbs' and the page's.
"""
