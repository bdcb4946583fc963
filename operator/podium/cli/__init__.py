"""`podium` on the command line, also as `kubectl podium`: one verb, one module.

What belongs here: arguments, output and exit codes. What does not: anything that a verb does beyond that. A verb's
module is imported only when the verb is used, so that each needs no more than its own extra of the package. What is to
be said of an object is made in `core/status`: `explanation`, and `summary` for one line of it.

Beside the verbs stand what they share and what they show:

    documents, objects     YAML as kubectl reads it, and the one ModelDeployment in it
    problems               what is wrong with an object, for `validate`
    live, options          where a live object comes from, and the options that say so
    view, tree, tables     what `get`, `list`, `status`, `history` and `events` show of it
    file_objects, plan_text     the objects of files beside the cluster's, for `diff` and `plan`
    pod_logs               what `logs` shows
    completing, kubectl_complete     what shells complete from the cluster
    steer                  where `pause`, `resume`, `approve`, `retry`, `undo` and `set` write the plans of `steering`
    git_checkout, yaml_edit     the commit in a checkout, where Git owns the object
    explanation_text, screen
    simulation_report, simulation_plot      what `simulate` shows
"""
