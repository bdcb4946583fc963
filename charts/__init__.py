"""The Helm chart: `python -m charts` writes charts/podium from manifests/, crds/ and the operator's settings.

    source     manifests/, as objects, and what of them a value of the chart replaces
    template   an object with values in it, as the text of a Helm template
    schema     values.schema.json, from the operator's own settings

What belongs here: turning manifests into a chart. What does not: an object of its own; that is in manifests/, so that
kustomize and Helm install the same.
"""
