"""`podium` on the command line, also as `kubectl podium`: one verb, one module.

What belongs here: arguments, output and exit codes. What does not: anything that a verb does beyond that. A verb's
module is imported only when the verb is used, so that each needs no more than its own extra of the package.

Beside the verbs stand what they share and what they show:

    documents, objects     YAML as kubectl reads it, and the one ModelDeployment in it
    problems               what is wrong with an object, for `validate`
    explanation, live      what is to be said of an object, and where a live one comes from, for `explain`
    explanation_text, screen
    simulation_report, simulation_plot      what `simulate` shows
"""
